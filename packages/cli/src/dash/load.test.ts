import { enqueue } from "@asynqjs/core";
import { Inspector } from "@asynqjs/core/inspector";
import { test as brokerTest, expect } from "../../../../test/support/broker-test.ts";
import { seedEveryState } from "../../../../test/support/every-state.ts";
import { load } from "./load.ts";
import type { Loaded, Request } from "./request.ts";

const test = brokerTest.extend<{ inspector: Inspector }>({
  inspector: ({ port, clock }, use) => use(new Inspector({ redis: port, clock })),
});
const { signal } = new AbortController();
const inQueue: Request & { of: "queue" } = {
  ...{ of: "queue", queue: "default", tab: "pending", group: undefined, page: 1, pageSize: 9 },
  ...{ wantsGroups: false, wantsTasks: true, search: undefined, opened: undefined },
};

async function loadQueue(inspector: Inspector, request: Request & { of: "queue" }): Promise<Loaded & { of: "queue" }> {
  return (await load(inspector, request, signal)) as Loaded & { of: "queue" };
}

test("of the queues only those in the window are read, by the filter", async ({ broker, aTask, inspector }) => {
  await enqueue(
    broker,
    ["a1", "b", "A2", "a3"].map((queue) => aTask({ queue })),
  );
  const loaded = await load(inspector, { of: "queues", filter: "a", first: 1, count: 1 }, signal);
  expect(loaded).toMatchObject({ names: ["A2", "a1", "a3", "b"], infos: [{ queue: "a1", size: 1 }] });
});

test("a queue that cannot be read hides no other, and opened it says why", async ({ inspector, seedPending, redis }) => {
  await seedPending("t1");
  await redis.sadd("asynq:queues", "wrong");
  await redis.set("asynq:{wrong}:pending", "no list");
  const loaded = await load(inspector, { of: "queues", filter: "", first: 0, count: 9 }, signal);
  expect(loaded).toMatchObject({ names: ["default", "wrong"], infos: [{ queue: "default" }], broken: ["wrong"] });
  await expect(load(inspector, { ...inQueue, queue: "wrong" }, signal)).rejects.toThrow(/WRONGTYPE|wrong/);
});

test("each state's tasks come as they stand", async ({ broker, aTask, inspector }) => {
  await seedEveryState(broker, aTask);
  const ids: Record<string, readonly string[]> = {};
  for (const tab of ["active", "pending", "scheduled", "retry", "archived", "completed", "js:quarantine"] as const) {
    const { tasks } = await loadQueue(inspector, { ...inQueue, tab });
    ids[tab] = tasks!.map(({ id }) => id);
  }
  expect(ids).toEqual({
    active: ["active"],
    pending: ["pending"],
    scheduled: ["grouped-later", "scheduled"],
    retry: ["recovered", "retry"],
    archived: ["archived"],
    completed: ["completed"],
    "js:quarantine": ["quarantined"],
  });
});

test("groups are listed with their sizes, and the tasks of one", async ({ broker, aTask, inspector }) => {
  await enqueue(broker, [aTask({ taskId: "t1", group: "b" }), aTask({ taskId: "t2", group: "a" }), aTask({ taskId: "t3", group: "a" })]);
  const groups = [
    { group: "a", size: 2 },
    { group: "b", size: 1 },
  ];
  const ask = { ...inQueue, tab: "aggregating", wantsGroups: true } as const;
  expect(await load(inspector, { ...ask, wantsTasks: false }, signal)).toMatchObject({ groups, hasMoreGroups: false, tasks: undefined });
  const inGroup = await load(inspector, { ...ask, group: "a" }, signal);
  expect(inGroup).toMatchObject({ groups, tasks: [{ id: "t2" }, { id: "t3" }] });
});

test("a queue or a task that is gone is no failure, nor is one that cannot be read; what is there comes with its log", async ({
  inspector,
  seedPending,
  redis,
}) => {
  expect(await load(inspector, inQueue, signal)).toMatchObject({ info: undefined, tasks: [] });
  await seedPending("t1");
  expect(await load(inspector, { ...inQueue, opened: "t1" }, signal)).toMatchObject({ opened: { task: { id: "t1" } } });
  await redis.hset("asynq:{default}:t:t1", "logs", '[{"msg":"half","ts":"2040-01-02T03:04:05Z"}]');
  const log = [{ message: "half", atMs: Date.UTC(2040, 0, 2, 3, 4, 5) }];
  expect(await load(inspector, { ...inQueue, opened: "t1" }, signal)).toMatchObject({ opened: { task: { id: "t1" }, log } });
  await redis.hset("asynq:{default}:t:t1", "logs", "no log");
  expect(await load(inspector, { ...inQueue, opened: "t1" }, signal)).toMatchObject({ opened: { task: { id: "t1" }, log: [] } });
  expect(await load(inspector, { ...inQueue, opened: "t2" }, signal)).toMatchObject({ info: { size: 1 }, opened: { id: "t2" } });
  await redis.hset("asynq:{default}:t:t1", "msg", "\xff");
  expect(await load(inspector, { ...inQueue, opened: "t1" }, signal)).toMatchObject({
    opened: { id: "t1", why: expect.stringContaining("t1") },
    tasks: [{ id: "t1", why: expect.stringContaining("t1") }],
  });
});

test("a search is asked of the whole queue", async ({ broker, aTask, inspector }) => {
  await seedEveryState(broker, aTask);
  const { found } = await loadQueue(inspector, { ...inQueue, wantsTasks: false, search: { error: "failed" } });
  expect(found!.tasks.map(({ id }) => id).sort()).toEqual(["archived", "completed", "retry"]);
});
