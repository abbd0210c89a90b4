import { Redis } from "ioredis";
import type { TestProject } from "vitest/node";
import { startRedis } from "./redis-server.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The Redis that all tests share, each vitest worker in a database of its own. */
    redisUrl: string;
  }
}

/** Starts the one Redis of a test run, or takes the one `ASYNQ_REDIS_URL` names if it is empty: tests flush what they use. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const url = process.env.ASYNQ_REDIS_URL;
  if (!url) {
    const redis = await startRedis({ databases: 128 });
    provide("redisUrl", redis.url);
    return () => redis.stop();
  }
  const redis = new Redis(url, { maxRetriesPerRequest: 0, protocol: 2 });
  redis.on("error", () => {});
  if (/^db\d/m.test(await redis.info("keyspace"))) {
    redis.disconnect();
    throw new Error("tests flush the Redis that ASYNQ_REDIS_URL names, and it holds keys: name an empty one");
  }
  provide("redisUrl", url);
  return async () => {
    await redis.flushall();
    redis.disconnect();
  };
}
