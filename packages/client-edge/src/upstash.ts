/**
 * The `Client` for those who have an `@upstash/redis` instance: apart from it, so that nobody else's bundle carries it.
 * @module
 */
import type { HttpPortOptions } from "@asynqjs/core/redis/fetch";
import { type UpstashInstance, upstashRedis } from "@asynqjs/core/redis/upstash";
import { Client as BaseClient, type ClientOptions as BaseOptions } from "./client.ts";

export * from "./index.ts";

/** {@link BaseOptions}, or an instance of `@upstash/redis`, which is neither closed nor reconfigured. */
export type ClientOptions = BaseOptions | (HttpPortOptions & Pick<BaseOptions, "maxPayloadBytes"> & { readonly redis: UpstashInstance });

/**
 * The `Client` of `@asynqjs/client-edge`, which takes an `@upstash/redis` instance of yours as well.
 * @throws {InvalidOptionError} a url, a token, an instance or a bound that cannot be used
 */
export class Client extends BaseClient {
  constructor(options: ClientOptions) {
    super(isBase(options) ? options : { ...options, redis: upstashRedis(options.redis, options) });
  }
}

function isBase(options: ClientOptions): options is BaseOptions {
  return !("redis" in options) || "send" in Object(options.redis);
}
