import type { Redis } from "ioredis";

/**
 * Lets leases be those of a minute ago, in place of that minute: their tasks count as lost. The fractions stay, so they are still their
 * owners'. All of the queue's, or those of these tasks.
 */
export async function ageLeases(redis: Redis, queue = "default", ids?: readonly string[]): Promise<void> {
  const lease = `asynq:{${queue}}:lease`;
  for (const id of ids ?? (await redis.zrange(lease, "0", "-1"))) {
    // Not ZINCRBY, which would make a lease of none.
    const score = await redis.zscore(lease, id);
    if (score !== null) await redis.zadd(lease, "XX", Number(score) - 61, id);
  }
}
