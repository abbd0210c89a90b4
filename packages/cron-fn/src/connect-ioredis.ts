import { InvalidOptionError, type RedisPort } from "@asynqjs/core";
import { ioredisPort, ioredisSettings, type ParsedRedis, parseRedisUri } from "@asynqjs/core/redis/ioredis";

/**
 * A connection of our own to a Redis: its URI in any of Asynq's forms, or the same as an object.
 * @throws {InvalidOptionError} bad URI, or ioredis, which is an optional peer, is not installed
 */
export async function connectIoredis(
  redis: string | ParsedRedis,
  options: { readonly timeoutMs?: number | undefined } = {},
): Promise<RedisPort> {
  const settings = ioredisSettings(typeof redis === "string" ? parseRedisUri(redis) : redis);
  const { Redis, Cluster } = await import("ioredis").catch(() => {
    throw new InvalidOptionError("redis", "expected the package ioredis beside @asynqjs/cron-fn: npm install ioredis");
  });
  const client = settings.cluster ? new Cluster([...settings.nodes], settings.options) : new Redis(settings.options);
  // The port says what failed, with each call.
  client.on("error", () => {});
  return ioredisPort(client, { ...options, managed: true });
}
