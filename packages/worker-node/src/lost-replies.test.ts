import { composeTask, enqueue, makeBroker, systemClock, systemRandom, Task } from "@asynqjs/core";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { readKeyspace } from "@asynqjs/core/testing";
import type { Redis } from "ioredis";
import { test as redisTest } from "../../../test/support/redis-test.ts";
import { describe, expect, turn, until } from "../../../test/support/server-test.ts";
import { type TcpFault, type TcpFaults, tcpFaults } from "../../../test/support/tcp-faults.ts";
import { Server } from "./server.ts";

const test = redisTest.extend<{ faults: TcpFaults; faultyUrl: string }>({
  faults: async ({ redisUrl }, use) => {
    const faults = await tcpFaults({ port: Number(new URL(redisUrl).port) });
    await use(faults);
    await faults.stop();
  },
  faultyUrl: async ({ redisUrl, faults }, use) => use(`redis://127.0.0.1:${faults.port}${new URL(redisUrl).pathname}`),
});

const ids = Array.from({ length: 30 }, (_, i) => String(i));

async function seed(redis: Redis): Promise<void> {
  const parts = { clock: systemClock, random: systemRandom };
  const broker = makeBroker({ redis: ioredisPort(redis), ...parts });
  await enqueue(
    broker,
    ids.map((taskId) => composeTask(new Task("t", undefined, { taskId }), {}, parts)),
  );
}

describe("a server on the machine's clock, its connection cut", () => {
  test.for<[call: string, fault: TcpFault, sign: string]>([
    ["a fetch", "drop-reply", ":paused"],
    ["a fetch", "drop-request", ":paused"],
    ["a settle", "drop-reply", ":completed"],
    ["a settle", "drop-request", ":completed"],
  ])("%s, %s: every task runs once and is done once", async ([, fault, sign], { redis, faults, faultyUrl }) => {
    await seed(redis);
    const runs: Record<string, number> = {};
    const server = new Server(faultyUrl, { concurrency: 10, logLevel: "fatal" });
    faults.next(fault, sign);

    await server.start(async ({ id }) => {
      runs[id] = (runs[id] ?? 0) + 1;
      await turn();
    });
    await until(() => server.metrics().done === ids.length);
    await server.shutdown();

    expect(faults.connections).toBeGreaterThan(1);
    expect(runs).toEqual(Object.fromEntries(ids.map((id) => [id, 1])));
    const space = await readKeyspace(ioredisPort(redis));
    // The day may change while the test runs.
    for (const key of Object.keys(space)) if (/:processed:/.test(key)) delete space[key];
    expect(space).toEqual({ "asynq:queues": ["default"], "asynq:{default}:processed": String(ids.length) });
  });
});
