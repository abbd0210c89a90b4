import { expect, test } from "../../../test/support/redis-test.ts";
import { correctedClock } from "./corrected-clock.ts";
import { ioredisPort } from "./redis/ioredis.ts";
import { manualClock } from "./testing/manual-clock.ts";

test("a corrected clock says what the clock of a real Redis says, however wrong the machine's is", async ({ redis }) => {
  const [before] = await redis.time();
  const clock = correctedClock(manualClock(Date.UTC(1999, 0, 1)));
  expect(clock.nowMs()).toBe(Date.UTC(1999, 0, 1));

  await clock.look(ioredisPort(redis));

  const [after] = await redis.time();
  expect(clock.nowMs()).toBeGreaterThanOrEqual(Number(before) * 1000);
  expect(clock.nowMs()).toBeLessThan((Number(after) + 1) * 1000);
});
