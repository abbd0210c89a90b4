import { scanInvariants } from "@asynqjs/core/invariants";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import type { Redis } from "ioredis";
import { expect } from "vitest";

/** Whether it holds within so long, looked at now and then. */
export async function within(ms: number, holds: () => boolean | Promise<boolean>): Promise<boolean> {
  for (const untilMs = performance.now() + ms; performance.now() < untilMs; ) {
    if (await holds()) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

/** Nothing is where it should not be, in any queue. */
export async function expectSound(redis: Redis): Promise<void> {
  const { findings } = await scanInvariants(ioredisPort(redis));
  expect(findings).toEqual([]);
}
