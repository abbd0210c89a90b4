import { describe, expect, test } from "vitest";
import { checkSkew, correctedClock, isCorrected, mostSkewMs, worrySkewMs } from "./corrected-clock.ts";
import { RedisError } from "./errors.ts";
import type { RedisPort } from "./redis.ts";
import { manualClock } from "./testing/manual-clock.ts";

/** A Redis whose clock stands still at this second; each look takes as long as told. */
function standingRedis(sec: number, clock: ReturnType<typeof manualClock>, tookMs: number[]): RedisPort {
  const text = (value: number): Uint8Array => new TextEncoder().encode(String(value));
  return {
    features: async () => ({ codec: "raw", allowOom: false, cluster: false, waits: false }),
    async send(commands) {
      expect(commands).toEqual([["TIME"]]);
      const took = tookMs.shift();
      if (took === undefined) throw new RedisError("away", { delivered: "unknown" });
      await clock.advance(took);
      return [{ reply: [text(sec), text(500_000)] }];
    },
    close: async () => {},
  };
}

describe("correctedClock", () => {
  test("takes over what another clock found, and goes on from its own looks", async () => {
    const machine = manualClock(0);
    const clock = correctedClock(machine);
    await clock.look(standingRedis(5, machine, [0]));
    expect(clock.offsetMs).toBe(5_500);

    clock.adopt(-700);
    expect(clock.nowMs()).toBe(-700);

    await clock.look(standingRedis(9, machine, [0]));
    expect(clock.offsetMs).toBe(9_500);
  });

  test("counts half of what a look took, and goes by the median of the last five", async () => {
    const machine = manualClock(0);
    const clock = correctedClock(machine);
    const offsets: number[] = [];
    // Each look sets the machine's clock back first, so that it is Redis' time minus the half of it.
    const redis = standingRedis(100, machine, [0, 20, 4_000, 0, 0, 0]);
    for (let look = 0; look < 6; look++) {
      machine.jump(-machine.nowMs());
      await clock.look(redis);
      offsets.push(clock.offsetMs);
    }
    expect(offsets).toEqual([100_500, 100_490, 100_490, 100_490, 100_500, 100_500]);
  });

  test("forgets looks that are older than the last five", async () => {
    const machine = manualClock(0);
    const clock = correctedClock(machine);
    for (let look = 0; look < 5; look++) await clock.look(standingRedis(100, machine, [0]));
    for (let look = 0; look < 2; look++) await clock.look(standingRedis(200, machine, [0]));
    expect(clock.offsetMs).toBe(100_500);
    await clock.look(standingRedis(200, machine, [0]));
    expect(clock.offsetMs).toBe(200_500);
  });

  test("looks by what travels with something else too, and is steady while the last look agrees to two seconds", async () => {
    const machine = manualClock(0);
    const clock = correctedClock(machine);
    expect(clock.steady).toBe(true);
    const answered = clock.asking();
    await machine.advance(20);
    answered(100_000);
    expect([clock.offsetMs, clock.steady]).toEqual([99_990, true]);

    for (const [offMs, steady] of [
      [2_000, true],
      [2_001, false],
      [-2_001, false],
      [0, true],
    ] as const) {
      clock.adopt(0);
      for (let look = 0; look < 4; look++) clock.asking()(machine.nowMs());
      clock.asking()(machine.nowMs() + offMs);
      expect([offMs, clock.offsetMs, clock.steady]).toEqual([offMs, 0, steady]);
    }
  });

  test("keeps its correction when Redis does not answer", async () => {
    const machine = manualClock(0);
    const clock = correctedClock(machine);
    const redis = standingRedis(100, machine, [0]);
    await clock.look(redis);

    await expect(clock.look(redis)).rejects.toMatchObject({ code: "REDIS" });
    expect(clock.offsetMs).toBe(100_500);
  });

  test("is refused when it is more than five minutes off, either way", async () => {
    for (const [sec, refused] of [
      [299, false],
      [301, true],
      [-299, false],
      [-301, true],
    ] as const) {
      const machine = manualClock(0);
      const clock = correctedClock(machine);
      await clock.look(standingRedis(sec, machine, [0]));
      if (refused) expect(() => checkSkew(clock)).toThrow(expect.objectContaining({ code: "CLOCK_SKEW", offsetMs: sec * 1000 + 500 }));
      else expect(() => checkSkew(clock)).not.toThrow();
    }
  });

  test("lets exactly five minutes pass, and worries far below", () => {
    const offBy = (offsetMs: number) => () => checkSkew({ offsetMs } as Parameters<typeof checkSkew>[0]);
    expect([worrySkewMs, mostSkewMs]).toEqual([2_000, 300_000]);
    for (const offsetMs of [300_000, -300_000, 0]) expect(offBy(offsetMs)).not.toThrow();
    for (const offsetMs of [300_001, -300_001]) expect(offBy(offsetMs)).toThrow("expected at most 300 s between them");
  });

  test("leaves the monotonic clock and the timers as they are", async () => {
    const machine = manualClock(0);
    const clock = correctedClock(machine);
    clock.adopt(7_000);
    let called = 0;
    const takeBack = clock.after(10, () => called++);
    clock.after(20, () => called++);
    takeBack();
    await machine.advance(20);

    expect([called, clock.monotonicMs() - machine.monotonicMs(), clock.nowMs() - machine.nowMs()]).toEqual([1, 0, 7_000]);
    expect([isCorrected(clock), isCorrected(machine)]).toEqual([true, false]);
  });

  test.each([
    ["no list", 5],
    ["too short a list", [new TextEncoder().encode("5")]],
    ["no numbers", [new TextEncoder().encode("soon"), new TextEncoder().encode("0")]],
    ["no number of microseconds", [new TextEncoder().encode("5"), new TextEncoder().encode("soon")]],
  ])("takes %s for no time", async (_, reply) => {
    const clock = correctedClock(manualClock(0));
    const redis = { ...standingRedis(0, manualClock(0), []), send: async () => [{ reply }] };
    await expect(clock.look(redis)).rejects.toMatchObject({ code: "REDIS", message: "redis gave an answer that cannot be read" });
    expect(clock.offsetMs).toBe(0);
  });
});
