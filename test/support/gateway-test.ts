import { startGateway } from "@asynqjs/gateway";
import type { TestAPI } from "vitest";
import { type HttpFaults, httpFaults } from "./http-faults.ts";
import { type RedisFixtures, test as redisTest } from "./redis-test.ts";

export { expect } from "vitest";

/** The token that the gateway of {@link test} accepts. */
export const token = "a-token-for-tests";

interface GatewayFixtures {
  /** The URL of a gateway in front of the test's Redis. */
  readonly gatewayUrl: string;
  /** A way to that gateway which loses what it is told to lose. */
  readonly faults: HttpFaults;
}

/** vitest's `test` with a real Redis behind a real gateway. */
export const test: TestAPI<RedisFixtures & GatewayFixtures> = redisTest.extend<GatewayFixtures>({
  gatewayUrl: async ({ redisUrl }, use) => {
    const gateway = await startGateway({ redis: redisUrl, tokens: [token], port: 0 });
    await use(gateway.url);
    await gateway.close();
  },
  faults: async ({ gatewayUrl }, use) => {
    const faults = await httpFaults(gatewayUrl);
    await use(faults);
    await faults.stop();
  },
});
