import type { TickReport } from "@asynqjs/core";
import { manualClock } from "@asynqjs/core/testing";
import { describe, expect, test } from "vitest";
import { changes } from "./changes.ts";
import { housekeeper } from "./housekeeper.ts";
import { Counters } from "./metrics.ts";

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const done: TickReport = { errors: [], more: false };

/** A part that ticks every 5 s and rests up to a minute, and when it ticked, in seconds. */
function keeping() {
  const clock = manualClock(Date.UTC(2040, 0, 2, 3, 4, 5));
  const startSec = clock.nowMs() / 1000;
  const state = { watching: true, report: done };
  const news = changes(() => state.watching);
  const counters = new Counters();
  const at: number[] = [];
  const rest = { changes: news, keys: ["asynq:{q}:retry"], longestMs: 60_000 };
  const rhythm = { everyMs: 5_000, first: "after one interval", counters, errors: "forwardErrors", rest } as const;
  const part = housekeeper("part", { clock, logger: silent }, rhythm, async () => {
    at.push(clock.nowMs() / 1000 - startSec);
    return state.report;
  });
  part.start();
  return { clock, startSec, state, news, counters, part, since: () => at.splice(0) };
}

describe("a tick that is told of changes", () => {
  test("is made once a minute while nothing changes, and at the next step once something does", async () => {
    const { clock, news, part, since } = keeping();
    await clock.advance(126_000);
    expect(since()).toEqual([5, 65, 125]);

    news.heard("asynq:{other}:retry");
    await clock.advance(8_000);
    expect(since()).toEqual([]);
    news.heard("asynq:{other}:retry,asynq:{q}:retry");
    await clock.advance(1_000);
    expect(since()).toEqual([135]);
    await clock.advance(10_000);
    news.heard();
    await clock.advance(5_000);
    expect(since()).toEqual([150]);
    await part.stop();
    expect(clock.waiting).toBe(0);
  });

  test("is made when the next of what waits is due, though not twice in an interval", async () => {
    const { clock, startSec, state, since } = keeping();
    state.report = { ...done, nextSec: startSec + 37 };
    await clock.advance(36_999);
    expect(since()).toEqual([5]);
    state.report = { ...done, nextSec: startSec + 38 };
    await clock.advance(1);
    expect(since()).toEqual([37]);
    state.report = done;
    await clock.advance(60_000);
    expect(since()).toEqual([42]);
  });

  test("is made every interval while this server does something, of which Redis does not tell it", async () => {
    const { clock, counters, since } = keeping();
    await clock.advance(6_000);
    counters.add("trimmed", 0);
    await clock.advance(5_000);
    expect(since()).toEqual([5]);
    counters.add("retried");
    await clock.advance(14_000);
    expect(since()).toEqual([15]);
  });

  test("is made every interval where changes are not told, work was left, a queue was not served, or it failed", async () => {
    const { clock, state, news, since } = keeping();
    state.watching = false;
    await clock.advance(11_000);
    expect(since()).toEqual([5, 10]);
    // What was read before is not told of.
    state.watching = true;
    await clock.advance(10_000);
    expect(since()).toEqual([15]);
    state.watching = false;
    await clock.advance(5_000);
    expect(since()).toEqual([25]);

    state.watching = true;
    for (const report of [{ ...done, more: true }, { ...done, errors: [{ queue: "q", error: new Error("no") }] }, undefined]) {
      state.report = report as typeof state.report;
      news.heard();
      await clock.advance(10_000);
      expect(since()).toHaveLength(2);
    }
    state.report = done;
    await clock.advance(20_000);
    expect(since()).toEqual([60]);
  });

  test("is made again when something changed while it was made", async () => {
    const { clock, state, news, since } = keeping();
    Object.defineProperty(state, "report", {
      get() {
        news.heard("asynq:{q}:retry");
        return done;
      },
    });
    await clock.advance(15_000);
    expect(since()).toEqual([5, 10, 15]);
  });
});
