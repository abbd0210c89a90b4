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

  test("leaves runs out for as long as they may rest, looks again at least every interval, and ends a rest that is hurried", async () => {
    const clock = manualClock(0);
    const ran: number[] = [];
    let restUntilMs = 0;
    let asked = 0;
    const restMs = (): number => {
      asked++;
      return restUntilMs - clock.monotonicMs();
    };
    const tick = ticker("tick", clock, { everyMs: 10, first: "at once", restMs }, async () => {
      ran.push(clock.nowMs());
      restUntilMs = clock.monotonicMs() + 35;
    });
    tick.hurry();
    tick.start();
    await clock.advance(34);
    expect({ ran, asked }).toEqual({ ran: [0], asked: 3 });
    await clock.advance(1);
    expect(ran).toEqual([0, 35]);

    // Not before an interval has passed since it ran.
    restUntilMs = 0;
    await clock.advance(9);
    tick.hurry();
    expect(ran).toEqual([0, 35]);
    await clock.advance(1);
    expect(ran).toEqual([0, 35, 45]);

    await clock.advance(12);
    tick.hurry();
    expect(ran).toEqual([0, 35, 45]);
    restUntilMs = 0;
    tick.hurry();
    expect(ran).toEqual([0, 35, 45, 57]);
    await clock.advance(0);
    await tick.stop();
    tick.hurry();
    tick.now();
    expect({ ran, waiting: clock.waiting }).toEqual({ ran: [0, 35, 45, 57], waiting: 0 });
  });

  test("runs now when it is told to, and once more where it was running", async () => {
    const clock = manualClock(0);
    const ran: number[] = [];
    let running = gate();
    const tick = ticker("tick", clock, { everyMs: 10, first: "after one interval", restMs: () => 1_000 }, async () => {
      ran.push(clock.nowMs());
      await running.opened;
    });
    tick.now();
    tick.start();
    expect(ran).toEqual([]);

    await clock.advance(3);
    tick.now();
    tick.now();
    tick.now();
    expect(ran).toEqual([3]);
    const [first] = [running];
    running = gate();
    await clock.advance(1);
    first.open();
    await clock.advance(0);
    expect(ran).toEqual([3, 4]);
    running.open();
    await clock.advance(100);
    expect(ran).toEqual([3, 4]);
    await tick.stop();
  });
});
