import type { Redis } from "ioredis";

/** Everything in Redis, to be put back as often as it is called. */
export async function keepKeyspace(redis: Redis): Promise<() => Promise<void>> {
  const kept = await Promise.all(
    (await redis.keys("*")).map(async (key) => ({ key, dump: await redis.dumpBuffer(key), ttl: Math.max(0, await redis.pttl(key)) })),
  );
  return async () => {
    await redis.flushdb();
    await Promise.all(kept.map(({ key, dump, ttl }) => redis.restore(key, ttl, dump!)));
  };
}
