import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { expect, test } from "../support/redis-test.ts";
import { simulateSchedules } from "./simulate-schedules.ts";
import { tellSchedules } from "./tell-schedules.ts";

test("each slot around the edges of daylight saving is fired exactly once, however many ticks are killed", {
  timeout: 180_000,
}, async ({ redis }) => {
  const report = await simulateSchedules({ redis: ioredisPort(redis), years: 1, seed: 2040, stride: 3 });

  console.log(tellSchedules(report));
  expect(report.violations).toEqual([]);
  expect(report.slots).toBeGreaterThan(20_000);
  expect(report.killed).toBeGreaterThan(report.ticks / 3);
});
