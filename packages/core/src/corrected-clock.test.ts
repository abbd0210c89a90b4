import { describe } from "vitest";
import { expect, test } from "../../../test/support/redis-test.ts";
import { checkSkew, correctedClock } from "./corrected-clock.ts";
import { RedisError } from "./errors.ts";
import { ioredisPort } from "./redis/ioredis.ts";
import type { RedisPort } from "./redis.ts";
import { manualClock } from "./testing/manual-clock.ts";

/** A Redis whose clock stands still at this second; each look takes as long as told. */
function standingRedis(sec: number, clock: ReturnType<typeof manualClock>, tookMs: number[]): RedisPort {
  const text = (value: number): Uint8Array => new TextEncoder().encode(String(value));
  return {
    features: async () => ({ codec: "raw", allowOom: false, cluster: false, waits: false }),
    async send() {
      const took = tookMs.shift();
      if (took === undefined) throw new RedisError("away", { delivered: "unknown" });
      await clock.advance(took);
      return [{ reply: [text(sec), text(500_000)] }];
    },
    close: async () => {},
  };
}

describe("correctedClock", () => {
  test("says what the clock of a real Redis says, however wrong the machine's is", async ({ redis }) => {
    const [before] = await redis.time();
    const clock = correctedClock(manualClock(Date.UTC(1999, 0, 1)));
    expect(clock.nowMs()).toBe(Date.UTC(1999, 0, 1));

    await clock.look(ioredisPort(redis));

    const [after] = await redis.time();
    expect(clock.nowMs()).toBeGreaterThanOrEqual(Number(before) * 1000);
    expect(clock.nowMs()).toBeLessThan((Number(after) + 1) * 1000);
  });

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
});
