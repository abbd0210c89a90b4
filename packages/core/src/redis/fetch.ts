/**
 * The port over nothing but `fetch`, to Upstash, the gateway, or what else speaks their REST API.
 * @module
 */
import type { RedisPort } from "../redis.ts";
import { bearer, pipelineUrl } from "./http-endpoint.ts";
import { type HttpPortOptions, httpPort } from "./http-port.ts";

export type { HttpPortOptions } from "./http-port.ts";

export interface FetchRedisOptions extends HttpPortOptions {
  /** The REST URL, `https://…`, without credentials. */
  readonly url: string;
  /** The REST token. Goes to this url alone: a redirect is an error. */
  readonly token: string;
  /** Used in place of the global `fetch`, which is looked up at each call. */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
}

/**
 * A port to an Upstash-compatible HTTP Redis. Construction does no I/O and draws no randomness. Sends what got no answer again, as the same
 * bytes (network failures, 408, 429, 5xx, unreadable answers), after a random pause, or the `Retry-After` that was asked for.
 * @throws {InvalidOptionError} a url, a token or a bound that cannot be used
 */
export function fetchRedis(options: FetchRedisOptions): RedisPort {
  const { url, token, fetch: send = globalFetch } = options;
  const endpoint = pipelineUrl("url", url);
  const headers = { Authorization: bearer("token", token), "Content-Type": "application/json", "Upstash-Encoding": "base64" };
  return httpPort((body, signal) => send(endpoint, { method: "POST", headers, body, signal, redirect: "manual" }), options);
}

/** A function of its own: some runtimes refuse a `fetch` that is called as anything's member. */
export const globalFetch = (url: string, init: RequestInit): Promise<Response> => fetch(url, init);
