import { scanInvariants } from "@asynqjs/core/invariants";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import type { Redis } from "ioredis";

/** How many tasks of all queues can still be done, by where they are. */
export interface Left {
  readonly pending: number;
  readonly active: number;
  readonly leased: number;
  readonly scheduled: number;
  readonly retry: number;
}

/**
 * How long a drain may take. What takes longest: a minute until a sweep sees for the second time what it found, half a minute until its task
 * counts as lost; and hundreds of tasks that lost a worker, of which each of our servers runs one at a time.
 */
const longestMs = 600_000;

export async function whatIsLeft(redis: Redis, queues: readonly string[]): Promise<Left> {
  const pipeline = redis.pipeline();
  for (const queue of queues) {
    const key = (name: string): string => `asynq:{${queue}}:${name}`;
    pipeline.llen(key("pending")).llen(key("active")).zcard(key("lease")).zcard(key("scheduled")).zcard(key("retry"));
  }
  const counts = (await pipeline.exec())!.map(([error, count]) => {
    if (error !== null) throw error;
    return count as number;
  });
  const sum = (nth: number): number => queues.reduce((total, _, i) => total + counts[i * 5 + nth]!, 0);
  return { pending: sum(0), active: sum(1), leased: sum(2), scheduled: sum(3), retry: sum(4) };
}

/** Waits until nothing is left that can be done and nothing is where it should not be; not for longer than it may take. */
export async function drain(redis: Redis, queues: readonly string[]): Promise<void> {
  for (const untilMs = performance.now() + longestMs; performance.now() < untilMs; ) {
    const left = await whatIsLeft(redis, queues);
    if (Object.values(left).every((count) => count === 0) && (await scanInvariants(ioredisPort(redis))).findings.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
