import { manualClock } from "@asynqjs/core/testing";
import { describe, expect, test } from "vitest";
import { gate } from "../../../test/support/server-test.ts";
import { ticker } from "./ticker.ts";

describe("ticker", () => {
  test("runs at once or after one interval, then at a steady pace, however often it is started", async () => {
    const clock = manualClock(0);
    const at: number[] = [];
    const run = async (): Promise<void> => void at.push(clock.nowMs());
    const soon = ticker("soon", clock, { everyMs: 10, first: "at once" }, run);
    const later = ticker("later", clock, { everyMs: 100, first: "after one interval" }, async () => void at.push(-clock.nowMs()));

    soon.start();
    soon.start();
    later.start();
    later.start();
    await clock.advance(25);
    await soon.stop();
    await clock.advance(200);

    expect(at).toEqual([0, 10, 20, -100, -200]);
  });

  test("never runs twice at once: the next run waits for the end of a long one", async () => {
    const clock = manualClock(0);
    const first = gate();
    const at: number[] = [];
    const slow = ticker("slow", clock, { everyMs: 10, first: "at once" }, async () => {
      at.push(clock.nowMs());
      if (at.length === 1) await first.opened;
    });

    slow.start();
    await clock.advance(35);
    first.open();
    await clock.advance(11);

    expect(at).toEqual([0, 35, 45]);
  });

  test("stop tells the run, waits for it, and nothing follows; neither does a start", async () => {
    const clock = manualClock(0);
    const running = gate();
    let runs = 0;
    let told = false;
    const tick = ticker("tick", clock, { everyMs: 10, first: "at once" }, async (signal) => {
      runs++;
      await running.opened;
      told = signal.aborted;
    });
    tick.start();

    let stopped = false;
    const stopping = Promise.all([tick.stop(), tick.stop()]).then(() => {
      stopped = true;
    });
    await clock.advance(50);
    expect(stopped).toBe(false);
    running.open();
    await stopping;
    tick.start();
    await clock.advance(50);

    expect({ runs, told, waiting: clock.waiting }).toEqual({ runs: 1, told: true, waiting: 0 });
  });
});
