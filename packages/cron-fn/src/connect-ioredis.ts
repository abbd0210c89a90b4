import { InvalidOptionError, type RedisPort } from "@asynqjs/core";
import { ioredisPort, ioredisSettings, parseRedisUri } from "@asynqjs/core/redis/ioredis";

/**
 * A connection of our own to the Redis at `uri`, in any of Asynq's forms.
 * @throws {InvalidOptionError} bad URI, or ioredis, which is an optional peer, is not installed
 */
export async function connectIoredis(uri: string, options: { readonly timeoutMs?: number | undefined } = {}): Promise<RedisPort> {
  const settings = ioredisSettings(parseRedisUri(uri));
  const { Redis, Cluster } = await import("ioredis").catch(() => {
    throw new InvalidOptionError("redis", "expected the package ioredis beside @asynqjs/cron-fn: npm install ioredis");
  });
  const client = settings.cluster ? new Cluster([...settings.nodes], settings.options) : new Redis(settings.options);
  // The port says what failed, with each call.
  client.on("error", () => {});
  return ioredisPort(client, { ...options, managed: true });
}
