/** Waits for the machine: what a process spends is only to be seen over some seconds of its clock. */
import { composeTask, enqueue, makeBroker, systemClock, systemRandom, Task } from "@asynqjs/core";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { Redis } from "ioredis";
import { describe, onTestFinished } from "vitest";
import { startRedis } from "../../../test/support/redis-server.ts";
import { expect, test, until } from "../../../test/support/server-test.ts";
import { Server } from "./server.ts";

const forMs = 4_000;

/** The part of one processor that this process, with all its threads, takes in that time. */
async function processorShare(): Promise<number> {
  const before = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, forMs));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / forMs;
}

/** Until the servers hear of changes and their threads beat: a thread takes a while to begin. */
async function settled(url: string, ...servers: readonly Server[]): Promise<void> {
  const client = new Redis(url);
  await until(async () => servers.every((server) => server.metrics().watching) && (await client.zcard("asynq:servers")) === servers.length);
  client.disconnect();
}

describe("takes less than 5 % of a processor", () => {
  test("a server whose Redis is down, for as long as it is", async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    const server = new Server(redis.url, { logLevel: "fatal" });
    onTestFinished(() => server.shutdown());
    await server.start(() => {});
    await settled(redis.url, server);
    await redis.kill("SIGKILL");

    const share = await processorShare();

    console.info(`a server whose Redis is down: ${(100 * share).toFixed(1)} % of a processor`);
    expect(share).toBeLessThan(0.05);
  });

  test("servers with a paused queue that is full and fills", async ({ redis, redisUrl }) => {
    const client = new Redis(redisUrl);
    onTestFinished(() => client.disconnect());
    const parts = { clock: systemClock, random: systemRandom };
    const broker = makeBroker({ redis: ioredisPort(client), ...parts });
    const add = (count: number): Promise<unknown> =>
      enqueue(
        broker,
        Array.from({ length: count }, () => composeTask(new Task("t"), {}, parts)),
      );
    await redis.set("asynq:{default}:paused", "1");
    for (let batch = 0; batch < 10; batch++) await add(1_000);
    const servers = [1, 2, 3].map(() => new Server(redisUrl, { logLevel: "fatal" }));
    onTestFinished(async () => void (await Promise.all(servers.map((server) => server.shutdown()))));
    for (const server of servers) await server.start(() => {});
    await settled(redisUrl, ...servers);
    const fills = setInterval(() => void add(1), 100);
    onTestFinished(() => clearInterval(fills));

    const share = await processorShare();

    console.info(`three servers with a paused queue that is full and fills: ${(100 * share).toFixed(1)} % of a processor`);
    expect(share).toBeLessThan(0.05);
    expect(servers.map((server) => server.metrics().started)).toEqual([0, 0, 0]);
  });
});
