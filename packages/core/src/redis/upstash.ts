/**
 * The port over the user's own `@upstash/redis` instance, by shape: imports no library. Uses what the instance is set up with (url, token,
 * headers, cache, agent, signal, read-your-writes) and none of its machinery: its decoder makes text of bytes, its retries know no call
 * record, its errors quote the command.
 * @module
 */
import { InvalidOptionError } from "../errors.ts";
import type { RedisPort } from "../redis.ts";
import { globalFetch } from "./fetch.ts";
import { bearer, pipelineUrl } from "./http-endpoint.ts";
import { type HttpPortOptions, httpPort } from "./http-port.ts";

export type { HttpPortOptions } from "./http-port.ts";

/** An instance of `Redis` from `@upstash/redis`, of any of its platform builds. */
export interface UpstashInstance {
  createScript(script: string): unknown;
  pipeline(): unknown;
}

/** What is read of an instance: its HTTP client, which TypeScript calls protected. */
interface UpstashHttpClient {
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly options?: {
    readonly agent?: unknown;
    readonly backend?: string;
    readonly cache?: RequestInit["cache"];
    readonly signal?: AbortSignal | (() => AbortSignal);
  };
  readonly readYourWrites?: boolean;
  upstashSyncToken?: string;
}

/**
 * A port over the instance, which is neither reconfigured nor closed. Sends again what got no answer, as `fetchRedis` does; the instance's
 * own retries and auto-pipelining stay out of it.
 * @throws {InvalidOptionError} not such an instance, or one without url and token, such as one made from a requester
 */
export function upstashRedis(redis: UpstashInstance, options: HttpPortOptions = {}): RedisPort {
  const { client } = Object(redis) as { readonly client?: UpstashHttpClient };
  if (typeof client?.baseUrl !== "string" || typeof client.headers !== "object")
    throw new InvalidOptionError("redis", "expected an instance of @upstash/redis that was made with url and token");
  const endpoint = pipelineUrl("redis", client.baseUrl);
  const token = /^Bearer (?!undefined$)(.*)/.exec(new Headers(client.headers).get("authorization") ?? "")?.[1];
  bearer("redis", token);

  const port = httpPort(async (body, signal) => {
    const headers = new Headers(client.headers);
    headers.set("Content-Type", "application/json");
    headers.set("Upstash-Encoding", "base64");
    if (client.readYourWrites) headers.set("upstash-sync-token", client.upstashSyncToken ?? "");
    const response = await globalFetch(endpoint, { ...requestInit(client), method: "POST", headers, body, signal, redirect: "manual" });
    const syncToken = response.headers.get("upstash-sync-token");
    // As the instance does for calls of its own: what it reads next sees what was written here.
    if (client.readYourWrites && syncToken !== null) client.upstashSyncToken = syncToken;
    return response;
  }, options);

  return {
    ...port,
    send(commands, given = {}) {
      const ofInstance = client.options?.signal;
      const own = typeof ofInstance === "function" ? ofInstance() : ofInstance;
      if (own === undefined) return port.send(commands, given);
      return port.send(commands, { ...given, signal: given.signal === undefined ? own : AbortSignal.any([given.signal, own]) });
    },
  };
}

/** What the instance gives `fetch` beside the request itself; absent stays absent, as some runtimes refuse `undefined`. */
function requestInit({ options = {} }: UpstashHttpClient): RequestInit {
  const { agent, backend, cache } = options;
  return Object.fromEntries(Object.entries({ agent, backend, cache }).filter(([, value]) => value !== undefined));
}
