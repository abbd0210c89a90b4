import { Redis } from "ioredis";
import type { TestAPI } from "vitest";
import { startRedis } from "../../../test/support/redis-server.ts";
import { type RedisFixtures, test as redisTest } from "../../../test/support/redis-test.ts";
import { type Gateway, startGateway } from "../src/index.ts";

export { describe, expect } from "vitest";

/** The token that the gateway of {@link test} accepts. */
export const token = "a-token-for-tests";

/** The status and the parsed body of an answer. */
export type Answer = readonly [status: number, body: unknown];

/** Sends a request as any HTTP client would: text that is JSON or not, with the headers given beside the token. */
export async function send(url: string, path: string, body: string, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(url + path, { method: "POST", body, headers: { Authorization: `Bearer ${token}`, ...headers } });
  return [response.status, await response.json()];
}

/** A Redis whose writes wait until the test lets them pass, so that requests are in flight for as long as it likes. */
export interface HeldRedis {
  readonly url: string;
  readonly client: Redis;
  /** Resolves when a write waits. */
  readonly oneWaits: () => Promise<void>;
  readonly release: () => Promise<unknown>;
}

interface GatewayFixtures {
  /** A Redis of the test's own: to hold back its writes would hold back every test that shares it. */
  readonly held: HeldRedis;
  /** A gateway in front of the test's Redis. */
  readonly gateway: Gateway;
  /** Posts commands to it as JSON. */
  readonly post: (path: string, commands: unknown, headers?: Record<string, string>) => Promise<Answer>;
}

export const test: TestAPI<RedisFixtures & GatewayFixtures> = redisTest.extend<GatewayFixtures>({
  gateway: async ({ redisUrl }, use) => {
    const gateway = await startGateway({ redis: redisUrl, tokens: [token], port: 0 });
    await use(gateway);
    await gateway.close();
  },
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixture's needs from the pattern
  held: async ({}, use) => {
    const server = await startRedis();
    const client = new Redis(server.url, { protocol: 2 });
    await client.client("PAUSE", 60_000, "WRITE");
    await use({
      url: server.url,
      client,
      oneWaits: async () => {
        while (!/blocked_clients:1/.test(await client.info("clients")));
      },
      release: () => client.client("UNPAUSE"),
    });
    client.disconnect();
    await server.stop();
  },
  post: async ({ gateway }, use) => use((path, commands, headers) => send(gateway.url, path, JSON.stringify(commands), headers)),
});
