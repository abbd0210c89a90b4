import { expect, test } from "vitest";
import type { Clock } from "./clock.ts";
import { Deadlines, type Timed } from "./deadlines.ts";
import { manualClock } from "./testing/index.ts";

interface Told extends Timed {
  overdue(): void;
}

const tellingEach = (clock: Clock): Deadlines<Told> =>
  new Deadlines<Told>(clock, (late) => {
    for (const one of late) one.overdue();
  });

const start = () => {
  const clock = manualClock();
  const told: string[] = [];
  const at = (name: string, deadlineMs: number) => ({ deadlineMs, overdue: () => void told.push(`${name} at ${clock.monotonicMs()}`) });
  return { clock, told, at, deadlines: tellingEach(clock) };
};

test("each hears at its deadline, in whatever order they came, and whoever was taken out does not", async () => {
  const { clock, told, at, deadlines } = start();
  const out = at("out", 1_000);
  for (const timed of [at("late", 90_000), out, at("early", 1_500), at("with early", 1_500), at("over", 0)]) deadlines.add(timed);
  deadlines.delete(out);

  await clock.advance(1_499);
  expect(told).toEqual(["over at 0"]);

  await clock.advance(1);
  expect(told.slice(1)).toEqual(["early at 1500", "with early at 1500"]);

  deadlines.add(at("later than early", 2_000));
  await clock.advance(100_000);
  expect(told.slice(3)).toEqual(["later than early at 2000", "late at 90000"]);
});

test("has one timer, whatever waits, and none after its stop", async () => {
  const { clock, told, at, deadlines } = start();
  for (let i = 0; i < 100; i++) deadlines.add(at(String(i), 60_000 - i * 100));
  expect(clock.waiting).toBe(1);

  deadlines.stop();

  expect(clock.waiting).toBe(0);
  await clock.advance(100_000);
  expect(told).toEqual([]);
});

test("nobody hears too early from a timer that comes a little early, and it does not come again and again", async () => {
  const clock = manualClock();
  let timers = 0;
  const early = tellingEach({
    ...clock,
    after(delayMs, then) {
      timers++;
      return clock.after(delayMs - 1e-7, then);
    },
  });
  let heardAtMs = 0;
  early.add({
    deadlineMs: 100.5,
    overdue: () => {
      heardAtMs = clock.monotonicMs();
    },
  });

  await clock.advance(102);

  expect(heardAtMs).toBeGreaterThanOrEqual(100.5);
  expect(timers).toBe(2);
});

test("one that is added when all others have heard is told as well", async () => {
  const { clock, told, at, deadlines } = start();
  deadlines.add(at("first", 10));
  await clock.advance(10);
  expect([told, clock.waiting]).toEqual([["first at 10"], 0]);

  deadlines.add(at("second", 20));
  await clock.advance(10);

  expect(told).toEqual(["first at 10", "second at 20"]);
});

test("one that is added while others hear is told as well", async () => {
  const { clock, told, at, deadlines } = start();
  deadlines.add({ deadlineMs: 10, overdue: () => deadlines.add(at("second", 20)) });
  deadlines.add(at("third", 30));

  await clock.advance(30);

  expect(told).toEqual(["second at 20", "third at 30"]);
});
