/** Waits for a Cluster: two seconds for it to serve, and for its nodes to tell each other who has a slot now. */
import { composeTask, dequeue, enqueue, forward, makeBroker, type RedisPort, recover, settle, Task, type TaskOutcome } from "@asynqjs/core";
import { manualClock, seededRandom } from "@asynqjs/core/testing";
import { patchTaskMessage } from "@asynqjs/core/wire";
import { Redis } from "ioredis";
import { test as base, expect } from "vitest";
import { beginMove, countRedirections } from "../support/move-slots.ts";
import { openPort } from "../support/open-port.ts";
import { startCluster } from "../support/redis-topologies.ts";
import { workOn } from "./work.ts";

const test = base.extend<{ nodes: [Redis, Redis, Redis]; port: RedisPort; slot: number }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixture's needs from the pattern
  nodes: async ({}, use) => {
    const cluster = await startCluster(3);
    const nodes = cluster.ports.map((port) => new Redis(port)) as [Redis, Redis, Redis];
    await use(nodes);
    for (const node of nodes) node.disconnect();
    await cluster.stop();
  },
  port: async ({ nodes }, use) => {
    const port = openPort("cluster", { cluster: nodes.map(({ options }) => options.port!) }, { timeoutMs: 30_000 });
    await use(port);
    await port.close();
  },
  // That of the second node.
  slot: async ({ nodes }, use) => use(Number(await nodes[0].cluster("KEYSLOT", "asynq:{default}:pending"))),
});

test("work goes on while its queue's slot moves to another master and back: every task once, no false conflict", async ({
  nodes,
  port,
  slot,
}) => {
  const [first, second, third] = nodes;
  const work = workOn(port);
  const enqueued: string[] = [];
  const done: string[] = [];
  let moving = true;
  const produce = async (): Promise<void> => {
    for (let after = 0; after < 10; after += moving ? 0 : 1) {
      const id = `task${enqueued.length}`;
      expect(await work.enqueue(id)).toBe("enqueued");
      enqueued.push(id);
    }
  };
  const consume = async (): Promise<void> => {
    for (let empty = 0; empty < 3; ) {
      const ids = await work.workOff("default", 3);
      done.push(...ids);
      if (!moving && ids.length === 0) empty++;
    }
  };
  for (let i = 0; i < 100; i++) expect(await work.enqueue(`waiting${i}`)).toBe("enqueued");

  const producing = produce();
  const consuming = consume();
  for (const route of [
    [second, third, first],
    [third, second, first],
  ] as const) {
    const before = await countRedirections(nodes);
    const move = await beginMove(slot, route);
    await move.moveKeys((key) => key.includes(":t:"));
    await expect.poll(async () => (await countRedirections(nodes)).TRYAGAIN).toBeGreaterThan(before.TRYAGAIN);
    await move.moveKeys();
    await expect.poll(async () => (await countRedirections(nodes)).ASK).toBeGreaterThan(before.ASK);
    await move.finish();
  }
  moving = false;
  await producing;
  await consuming;

  expect(done.filter((id) => id.startsWith("task")).sort()).toEqual([...enqueued].sort());
  expect(done.length).toBe(100 + enqueued.length);
  expect(new Set(done).size).toBe(done.length);
  expect(Number(await second.get("asynq:{default}:processed"))).toBe(done.length);
  expect(await second.keys("asynq:{default}:t:*")).toEqual([]);
  expect((await countRedirections(nodes)).MOVED).toBeGreaterThan(0);
});

test("no script runs on a half of its queue: with the tasks gone ahead of their containers, it waits for the rest", async ({
  nodes,
  port,
  slot,
}) => {
  const [first, second, third] = nodes;
  const clock = manualClock(Date.UTC(2040, 0, 2, 3, 4, 5));
  const broker = makeBroker({ redis: port, clock, random: seededRandom(1) });
  const aTask = (taskId: string, options = {}) => composeTask(new Task("t", "payload", { taskId, ...options }), {}, broker);
  await enqueue(broker, [aTask("lost"), aTask("due", { processInSec: 1 })]);
  await dequeue(broker, ["default"], 1);
  await clock.advance(61_000);
  await Promise.all(["fails", "succeeds", "rest"].map((id) => enqueue(broker, [aTask(id)])));
  const { tasks } = await dequeue(broker, ["default"], 2);
  // Every container is there: Redis has no key to miss of those that a script names.
  for (const name of ["completed", "retry", "archived", "js:quarantine"]) await second.zadd(`asynq:{default}:${name}`, 4e9, "other");
  for (const name of ["processed", "failed", "processed:2040-01-02", "failed:2040-01-02"]) await second.set(`asynq:{default}:${name}`, 0);
  await second.sadd("asynq:{default}:groups", "g");

  const move = await beginMove(slot, [second, third, first]);
  await move.moveKeys((key) => key.includes(":t:"));
  const outcomes = tasks.map(({ queue, id, token, msg }): TaskOutcome => {
    const held = { queue, id, fence: { token } };
    if (id === "succeeds") return { ...held, to: "done" };
    return { ...held, to: "retry", msg: patchTaskMessage(msg, { retried: 1 }), retryAtSec: clock.nowMs() / 1000 + 60, isFailure: true };
  });
  const work = Promise.all([settle(broker, outcomes), recover(broker, { queues: ["default"] }), forward(broker, { queues: ["default"] })]);
  await expect.poll(async () => (await countRedirections(nodes)).TRYAGAIN).toBeGreaterThanOrEqual(3);
  await move.moveKeys();
  await move.finish();

  const [settled, recovered, forwarded] = await work;
  expect(settled.results.map(({ verdict }) => verdict)).toEqual(["settled", "settled"]);
  expect(recovered).toMatchObject({ recovered: 1, dangling: 0, errors: [] });
  expect(forwarded).toMatchObject({ forwarded: 1, dangling: 0, errors: [] });
  const stateOf = (id: string): Promise<string | null> => third.hget(`asynq:{default}:t:${id}`, "state");
  expect(await Promise.all(["fails", "succeeds", "lost", "due"].map(stateOf))).toEqual(["retry", null, "retry", "pending"]);
});
