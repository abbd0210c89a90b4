import { InvalidOptionError, type RedisPort } from "@asynqjs/core";
import { type IoredisClient, ioredisPort, type ParsedRedis, parseRedisUri } from "@asynqjs/core/redis/ioredis";
import { connectIoredis } from "../connect-ioredis.ts";

/**
 * Where the tasks are: one of Asynq's URI forms, the same as an object, an ioredis client of yours, or a port. What you bring stays yours:
 * it is never closed.
 */
export type RedisSource = string | ParsedRedis | IoredisClient | RedisPort;

/** The port to a source: made at its first use, and the same from then on. */
export interface Source {
  port(): Promise<RedisPort>;
  /** Closes what was made here. May be repeated. */
  close(): Promise<void>;
}

/**
 * Reads what a source is. Does no I/O.
 * @throws {InvalidOptionError} it is none
 */
export function sourceOf(redis: RedisSource): Source {
  if (typeof redis === "object" && redis !== null) {
    if ("features" in redis && "send" in redis) return theirs(redis);
    if ("callBuffer" in redis) return theirs(ioredisPort(redis));
  }
  if (typeof redis !== "string" && !("kind" in Object(redis)))
    throw new InvalidOptionError("redis", "expected a URI, a connection object, an ioredis client or a port");
  const settings = typeof redis === "string" ? parseRedisUri(redis) : redis;
  let made: Promise<RedisPort> | undefined;
  return {
    port() {
      made ??= connectIoredis(settings);
      return made;
    },
    async close() {
      await (await made?.catch(() => undefined))?.close();
    },
  };
}

function theirs(port: RedisPort): Source {
  return { port: async () => port, close: async () => {} };
}
