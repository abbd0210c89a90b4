/**
 * A port that weighs little: what asynqjs needs of a Redis client, without one of the large libraries.
 * @module
 */
import type { RedisPort } from "@asynqjs/core";
import { type ParsedRedis, type RepeatingPortOptions, repeatingPort } from "@asynqjs/core/redis/ioredis";
import { clusterWay } from "./cluster-way.ts";
import { singleWay } from "./single-way.ts";

/** Connects at its first call, by itself again when a connection broke, and never keeps a call to be sent late. */
export function lightPort(redis: ParsedRedis, options: RepeatingPortOptions = {}): RedisPort {
  return repeatingPort(redis.kind === "cluster" ? clusterWay(redis) : singleWay(redis), options);
}
