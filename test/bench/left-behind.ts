import type { Redis } from "ioredis";

/** The lists in which a system keeps what waits, and what runs. */
const lists: Readonly<Record<string, { readonly waiting: (queue: string) => string; readonly running: (queue: string) => string }>> = {
  asynq: { waiting: (queue) => `asynq:{${queue}}:pending`, running: (queue) => `asynq:{${queue}}:active` },
  BullMQ: { waiting: (queue) => `bull:${queue}:wait`, running: (queue) => `bull:${queue}:active` },
  "bee-queue": { waiting: (queue) => `bq:${queue}:waiting`, running: (queue) => `bq:${queue}:active` },
};

/** How many tasks wait. groupmq has a list for each group, and counts for itself. */
export async function waiting(system: string, redis: Redis, queues: readonly string[]): Promise<number> {
  if (system === "groupmq") {
    const groups = await redis.keys("groupmq:default:g:*");
    return sum(await Promise.all(groups.map((key) => redis.zcard(key))));
  }
  const { waiting } = lists[system] ?? lists.asynq!;
  return sum(await Promise.all(queues.map((queue) => redis.llen(waiting(queue)))));
}

/** What is wrong after a drain: tasks that are still there, or ran twice. */
export async function leftBehind(
  system: string,
  redis: Redis,
  queues: readonly string[],
  { repeated }: { readonly repeated: number },
): Promise<readonly string[]> {
  const wait = await waiting(system, redis, queues);
  const { running } = lists[system] ?? lists.asynq!;
  const run = system === "groupmq" ? 0 : sum(await Promise.all(queues.map((queue) => redis.llen(running(queue)))));
  return [
    ...(wait === 0 ? [] : [`${wait} tasks still wait`]),
    // The limit finishes a batch with the next one it takes.
    ...(run === 0 || system === "limit" ? [] : [`${run} tasks still run`]),
    ...(repeated === 0 ? [] : [`${repeated} tasks ran twice`]),
  ];
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
