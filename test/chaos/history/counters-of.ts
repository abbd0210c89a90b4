import type { Redis } from "ioredis";

/** What all queues count. */
export async function countersOf(redis: Redis): Promise<{ readonly processed: number; readonly failed: number }> {
  const queues = await redis.smembers("asynq:queues");
  const sum = async (name: string): Promise<number> => {
    const counts = await redis.mget(...queues.map((queue) => `asynq:{${queue}}:${name}`));
    return counts.reduce((total, count) => total + Number(count), 0);
  };
  return { processed: await sum("processed"), failed: await sum("failed") };
}
