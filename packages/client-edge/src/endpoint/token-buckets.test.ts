import { manualClock } from "@asynqjs/core/testing";
import { describe, expect, test } from "vitest";
import { tokenBuckets } from "./token-buckets.ts";

describe("tokenBuckets", () => {
  test("lets a burst through, then what flows in, for each caller by itself", async () => {
    const clock = manualClock();
    const take = tokenBuckets({ tasksPerSec: 10, burst: 20, clock });

    expect([take("a", 20), take("a", 1), take("b", 20)]).toEqual([0, 100, 0]);
    await clock.advance(100);
    expect([take("a", 1), take("a", 1)]).toEqual([0, 100]);
    await clock.advance(60_000);
    expect([take("a", 15), take("a", 6), take("a", 5)]).toEqual([0, 100, 0]);
  });

  test("takes nothing for what it refuses", async () => {
    const clock = manualClock();
    const take = tokenBuckets({ tasksPerSec: 1, burst: 10, clock });
    take("a", 6);

    expect(Array.from({ length: 3 }, () => take("a", 5))).toEqual([1000, 1000, 1000]);
    expect(take("a", 4)).toBe(0);
  });

  test("lets more than a bucket holds through when it is full, and has it paid off", async () => {
    const clock = manualClock();
    const take = tokenBuckets({ tasksPerSec: 10, burst: 10, clock });

    expect([take("a", 30), take("a", 1)]).toEqual([0, 2_100]);
    await clock.advance(2_100);
    expect(take("a", 1)).toBe(0);
    expect(take("a", 30)).toBe(1_000);
  });

  test("goes by a clock that does not jump, and forgets nothing of a caller who is not paid up", async () => {
    const clock = manualClock();
    const take = tokenBuckets({ tasksPerSec: 1, burst: 5, clock });
    expect(take("a", 30)).toBe(0);
    clock.jump(86_400_000);
    await clock.advance(5_000);
    // Swept by now, were it full.
    expect(take("b", 1)).toBe(0);
    expect(take("a", 5)).toBe(25_000);
  });

  test.for([
    ["tasksPerSec", { tasksPerSec: 0 }],
    ["tasksPerSec", { tasksPerSec: Number.POSITIVE_INFINITY }],
    ["burst", { burst: -1 }],
    ["burst", { burst: Number.NaN }],
  ] as const)("refuses a %s of %o", ([option, options]) => {
    expect(() => tokenBuckets(options)).toThrow(expect.objectContaining({ code: "INVALID_OPTION", option }));
  });
});
