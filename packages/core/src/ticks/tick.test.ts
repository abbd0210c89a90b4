import { describe, expect, test } from "vitest";
import { type Broker, makeBroker } from "../broker.ts";
import { RedisError } from "../errors.ts";
import { type ManualClock, manualClock, seededRandom } from "../testing/manual-clock.ts";
import { addReports, earliest, refused, runTick, type Spent, type TickReport } from "./tick.ts";

interface Counted extends TickReport {
  readonly moved: number;
}

const one: Counted = { moved: 1, more: false, errors: [] };

function broker(clock: ManualClock): Broker {
  const redis = { features: () => Promise.reject(new Error()), send: () => Promise.reject(new Error()), close: async () => {} };
  return makeBroker({ redis, clock, random: seededRandom(1) });
}

describe("runTick", () => {
  test("runs once, whatever its budget, where it is told no interval", async () => {
    let runs = 0;
    expect(
      await runTick(broker(manualClock()), { queues: [] }, async () => {
        runs++;
        return one;
      }),
    ).toEqual(one);
    expect(runs).toBe(1);
  });

  test("runs every so often from its start on while the budget lasts, and adds up", async () => {
    const clock = manualClock();
    const startMs = clock.monotonicMs();
    const at: number[] = [];
    const ran = runTick(broker(clock), { queues: [], budgetMs: 100, everyMs: 30 }, async () => {
      at.push(clock.monotonicMs() - startMs);
      await new Promise<void>((resolve) => void clock.after(10, resolve));
      return one;
    });
    await clock.advance(500);

    expect(await ran).toEqual({ ...one, moved: 4 });
    expect(at).toEqual([0, 30, 60, 90]);
  });

  test("does not run at the very end of its budget, and catches up without a pause when a run took long", async () => {
    const clock = manualClock();
    const at: number[] = [];
    const ran = runTick(broker(clock), { queues: [], budgetMs: 60, everyMs: 20 }, async () => {
      at.push(clock.monotonicMs());
      if (at.length === 1) await new Promise<void>((resolve) => void clock.after(50, resolve));
      return one;
    });
    await clock.advance(500);

    await ran;
    // The runs that were due at 20 and at 40 come at once; the next would be due when the time is over.
    expect(at.map((ms) => ms - at[0]!)).toEqual([0, 50, 50]);
  });

  test("is spent as soon as it is told that it has had enough, and starts no further run", async () => {
    const clock = manualClock();
    let had = 0;
    const seen: boolean[] = [];

    const ran = runTick(broker(clock), { queues: [], budgetMs: 100, everyMs: 30, enough: () => had > 1 }, async (spent) => {
      seen.push(spent());
      had++;
      seen.push(spent());
      return one;
    });
    await clock.advance(500);

    expect(await ran).toMatchObject({ moved: 2 });
    expect(seen).toEqual([false, false, false, true]);
  });

  test("starts no run after the signal, nor when the pause took the rest of the budget", async () => {
    const clock = manualClock();
    const stop = new AbortController();
    let runs = 0;
    const ran = runTick(broker(clock), { queues: [], budgetMs: 100, everyMs: 30, signal: stop.signal }, async () => {
      runs++;
      return one;
    });
    await clock.advance(40);
    stop.abort();
    await clock.advance(0);

    expect(await ran).toEqual({ ...one, moved: 2 });
    expect(runs).toBe(2);
  });

  test("says when it is spent: at the end of the budget, or by the signal", async () => {
    const clock = manualClock();
    const stop = new AbortController();
    let asked: Spent = () => false;
    await runTick(broker(clock), { queues: [], budgetMs: 100, signal: stop.signal }, async (spent) => {
      asked = spent;
      return one;
    });
    expect(asked()).toBe(false);
    await clock.advance(99);
    expect(asked()).toBe(false);
    stop.abort();
    expect(asked()).toBe(true);

    await runTick(broker(clock), { queues: [] }, async (spent) => {
      asked = spent;
      return one;
    });
    await clock.advance(9_999);
    expect(asked()).toBe(false);
    await clock.advance(1);
    expect(asked()).toBe(true);
  });
});

test("reports add up: counts and errors of both, and whether more is left of the later", () => {
  const error = { queue: "q", error: new Error("no") };
  const other = { queue: "r", error: new Error("no") };
  expect(addReports<Counted>({ moved: 2, more: true, errors: [error] }, { moved: 3, more: false, errors: [other] })).toEqual({
    moved: 5,
    more: false,
    errors: [error, other],
  });
});

test("when the next is due is what the later report says, and the earliest of what several saw", () => {
  const due = (nextSec?: number): Counted => ({ ...one, nextSec });
  expect(addReports<Counted>(due(7), due(9))).toEqual({ moved: 2, more: false, errors: [], nextSec: 9 });
  expect(addReports<Counted>(due(7), due())).toEqual({ moved: 2, more: false, errors: [] });
  expect([earliest(), earliest(undefined), earliest(5, undefined, 3, 4), earliest(undefined, 2)]).toEqual([undefined, undefined, 3, 2]);
});

test("a refusal of Redis is handed back to be reported; anything else is thrown", () => {
  const refusal = new RedisError("refused", { delivered: "no", reply: "WRONGTYPE" });
  expect(refused(refusal)).toBe(refusal);
  for (const error of [new RedisError("no answer", { delivered: "unknown" }), new Error("odd"), { reply: "WRONGTYPE" }, "text"])
    expect(() => refused(error)).toThrow(error instanceof Error ? error.message : undefined);
});
