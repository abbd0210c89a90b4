import type { HostPort } from "@asynqjs/core/redis/ioredis";
import { describe } from "vitest";
import { startRedis } from "../../../../test/support/redis-server.ts";
import { expect, test, useOwnRedis } from "../../../../test/support/redis-test.ts";
import { failoverDetector } from "./failover-detector.ts";

// Its subscribers are counted, and cut off.
useOwnRedis();

describe("failoverDetector", () => {
  // Any Redis can publish what a Sentinel does; what real ones tell is in the slow tests.
  test("hears from each Sentinel of its own master, of no other, and again after the connection was lost; and nothing once it is ended", async ({
    redis,
    redisUrl,
  }) => {
    const other = await startRedis();
    const sentinels = [Number(new URL(redisUrl).port), other.port, 1].map((port) => ({ host: "127.0.0.1", port }));
    const heard: HostPort[] = [];
    const end = failoverDetector({ kind: "sentinel", master: "mine", sentinels }, (to) => heard.push(to));
    const listeners = (): Promise<number> => redis.pubsub("NUMSUB", "+switch-master").then(([, count]) => Number(count));
    await expect.poll(listeners).toBe(1);

    await redis.publish("+switch-master", "another a 1 b 2");
    await redis.publish("+switch-master", "mine a 1 ::1 2");
    await expect.poll(() => heard).toEqual([{ host: "::1", port: 2 }]);

    await redis.call("CLIENT", "KILL", "TYPE", "pubsub");
    await expect.poll(listeners, { timeout: 5_000 }).toBe(1);
    await redis.publish("+switch-master", "mine ::1 2 c 3");
    await expect.poll(() => heard.length).toBe(2);
    expect(heard.at(-1)).toEqual({ host: "c", port: 3 });

    end();
    await expect.poll(listeners).toBe(0);
    await other.stop();
  });
});
