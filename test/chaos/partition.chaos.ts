import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "@asynqjs/client-edge";
import { Task } from "@asynqjs/core";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { inject } from "vitest";
import { ageLeases } from "../support/age-leases.ts";
import { tcpFaults } from "../support/tcp-faults.ts";
import { expectSound, within } from "./after.ts";
import { expect, test } from "./lab.ts";
import { partedNetwork } from "./part-network.ts";

const { ci } = inject("chaos");

test.concurrent.for(["both", "requests", "answers"] as const)(
  "F18: a worker parted from Redis (%s lost): others run its tasks; what it writes of them is refused or given up, and when it is back it works on",
  async (what, { lab, onTestFinished }) => {
    const redis = await lab.startRedis({ args: ["--bind", "0.0.0.0"] });
    const { admin, server, url } = redis;
    const way = await tcpFaults(server, { keep: false });
    onTestFinished(() => way.stop());
    const nth = ["both", "requests", "answers"].indexOf(what) + 1;
    const network = await partedNetwork(way, server.port, nth);
    onTestFinished(() => network.end());
    const client = new Client({ redis: ioredisPort(admin) });
    const enqueue = async (...taskIds: string[]): Promise<void> => {
      const payload = lab.payload({ ms: 3_000, result: lab.canaries.result });
      for (const { error } of await client.enqueueMany(
        taskIds.map((taskId) => new Task("chaos", payload, { taskId, retentionSec: 3_600 })),
      ))
        expect(error).toBeUndefined();
    };
    const ids = ["a", "b"];
    await enqueue(...ids);
    const parted = await lab.startWorker(redis.via(network.port, network.host), { concurrency: 2 }, network);
    for (const id of ids) await parted.tells((event) => event.event === "start" && event.id === id);

    network.part(what);
    const other = await lab.startWorker(url);
    // Its heartbeats go on until they find that nobody answers; those that arrive extend the leases once more.
    await sleep(ci ? 12_000 : 0);
    if (ci) await ageLeases(admin);
    for (const id of ids) await other.tells((event) => event.event === "end" && event.id === id);
    expect(await within(30_000, async () => (await admin.zcard("asynq:{default}:completed")) === 2)).toBe(true);
    network.heal();
    await other.end();
    const healedMs = performance.now();
    await enqueue("c");
    await parted.tells((event) => event.event === "end" && event.id === "c");
    const backMs = Math.round(performance.now() - healedMs);
    expect(await within(30_000, async () => (await admin.zcard("asynq:{default}:completed")) === 3)).toBe(true);
    await parted.end();

    const told = parted.events.filter(({ event }) => event === "lost" || event === "refused" || event === "unwritten");
    expect(told.length).toBeGreaterThan(0);
    expect(await admin.mget("asynq:{default}:processed", "asynq:{default}:failed")).toEqual(["3", null]);
    await expectSound(admin);
    lab.report({ by: network.kind, told: told.map(({ id, event, why }) => `${id} ${why ?? event}`), backMs });
  },
);
