import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { Redis } from "ioredis";
import { startRedis } from "../../../test/support/redis-server.ts";
import { describe, expect, test, until } from "../../../test/support/server-test.ts";

describe("healthchecker", () => {
  test("tells every 15 s that Redis answers, and why it does not", async ({ makeServer, clock, pass }) => {
    const redis = await startRedis();
    const client = new Redis({ port: redis.port, enableOfflineQueue: false, autoResendUnfulfilledCommands: false });
    client.on("error", () => {});
    const told: (string | undefined)[] = [];
    const server = makeServer({ healthCheckFunc: (error) => void told.push(error?.message) }, ioredisPort(client, { timeoutMs: 100 }));
    while (client.status !== "ready") await new Promise((resolve) => setImmediate(resolve));
    await server.start(() => {});

    await pass(14_999);
    expect(told).toEqual([]);
    await clock.advance(1);
    await until(() => told.length === 1);
    expect(told).toEqual([undefined]);

    await redis.stop();
    await clock.advance(15_000);
    await until(() => told.length === 2);
    expect(told[1]).toContain("redis did not answer");
    client.disconnect();
  });

  test("survives a function that throws, at once or later", async ({ makeServer, clock, log }) => {
    let calls = 0;
    const server = makeServer({
      healthCheckIntervalMs: 1_000,
      healthCheckFunc: () => {
        if (++calls === 1) throw new Error("at once");
        return Promise.reject(new Error("later"));
      },
    });
    await server.start(() => {});

    await until(async () => {
      await clock.advance(1_000);
      return server.metrics().callbackErrors === 2;
    });

    expect(log.join("\n")).toMatch(/healthCheckFunc failed.*at once[\s\S]*healthCheckFunc failed.*later/);
  });
});
