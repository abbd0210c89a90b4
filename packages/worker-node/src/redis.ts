/**
 * The port over a connection of its own, without a library between: for whoever enqueues from Node, or uses core's functions there.
 * @module
 */
import { InvalidOptionError, type RedisPort } from "@asynqjs/core";
import { type ParsedRedis, parseRedisUri, type RepeatingPortOptions, repeatingPort } from "@asynqjs/core/redis/ioredis";
import { type SingleRedis, singleWay } from "./light-redis/single-way.ts";

export type { HostPort, ParsedRedis, RepeatingPortOptions } from "@asynqjs/core/redis/ioredis";
export type { SingleRedis } from "./light-redis/single-way.ts";

/**
 * A port to one Redis, by one of Asynq's URI forms or the same as an object: by its address, over TLS, by a unix socket, or wherever Sentinels say
 * that the master is. Connects at its first call, anew when a connection broke and is needed again, and repeats what got no answer; nothing is sent
 * late. `close` ends the connection.
 *
 * A Cluster takes a client of ioredis: `ioredisPort(new Cluster(…))` of `@asynqjs/core/redis/ioredis`.
 * @throws {InvalidOptionError} a URI that cannot be read, which is never quoted, or one of a Cluster
 */
export function redisPort(redis: string | SingleRedis, options: RepeatingPortOptions = {}): RedisPort {
  const parsed: ParsedRedis = typeof redis === "string" ? parseRedisUri(redis) : redis;
  switch (parsed?.kind) {
    case "standalone":
    case "socket":
    case "sentinel":
      return repeatingPort(singleWay(parsed), options);
    case "cluster":
      throw new InvalidOptionError(
        "redis",
        "expected one Redis; for a Cluster use `ioredisPort(new Cluster(…))` of @asynqjs/core/redis/ioredis",
      );
    default:
      throw new InvalidOptionError("redis", "expected a URI or a connection object");
  }
}
