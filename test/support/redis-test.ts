import { Redis } from "ioredis";
import { test as base, beforeAll, inject, type TestAPI } from "vitest";
import { type RedisServer, startRedis } from "./redis-server.ts";

export { expect } from "vitest";

export interface RedisFixtures {
  /** The URL of an empty database that no test file running beside this one uses. */
  readonly redisUrl: string;
  /** A client connected to it, closed after the test. */
  readonly redis: Redis;
}

let own: RedisServer | undefined;

/** Gives the tests of this file a Redis of their own: for those that change what databases share, as when it forgets every script. */
export function useOwnRedis(): void {
  beforeAll(async () => {
    const server = await startRedis();
    own = server;
    return async () => {
      own = undefined;
      await server.stop();
    };
  });
}

/**
 * vitest's `test` with a real Redis. A database belongs to a vitest worker and is flushed before each test, so tests of one file that ask
 * for it must not be concurrent.
 */
export const test: TestAPI<RedisFixtures> = base.extend<RedisFixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixture's needs from the pattern
  redisUrl: async ({}, use) => {
    const url = new URL(own?.url ?? inject("redisUrl"));
    url.pathname = `/${own === undefined ? (process.env.VITEST_POOL_ID ?? 0) : 0}`;
    const flusher = new Redis(url.href, { protocol: 2 });
    await flusher.flushdb();
    await flusher.quit();
    await use(url.href);
  },
  redis: async ({ redisUrl }, use) => {
    const redis = new Redis(redisUrl, { protocol: 2, maxRetriesPerRequest: 2 });
    await use(redis);
    await redis.quit();
  },
});
