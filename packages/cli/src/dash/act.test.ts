import { type Broker, dequeue, enqueue, listCancelIntents, type NewTask } from "@asynqjs/core";
import { Inspector } from "@asynqjs/core/inspector";
import { test as brokerTest, expect } from "../../../../test/support/broker-test.ts";
import { seedEveryState } from "../../../../test/support/every-state.ts";
import { act } from "./act.ts";
import type { Action } from "./state.ts";

const test = brokerTest.extend<{ inspector: Inspector; doIt: (action: Action) => Promise<string> }>({
  inspector: ({ port, clock }, use) => use(new Inspector({ redis: port, clock })),
  doIt: ({ inspector }, use) => use((action) => act(inspector, action, () => {}, new AbortController().signal)),
});

const queue = "default";

test("a queue is paused and resumed", async ({ doIt, inspector, seedPending }) => {
  await seedPending("t1");
  expect(await doIt({ on: "queue", queue, verb: "pause" })).toBe('queue paused: "default"');
  expect((await inspector.getQueueInfo(queue)).paused).toBe(true);
  expect(await doIt({ on: "queue", queue, verb: "resume" })).toBe('queue resumed: "default"');
  expect((await inspector.getQueueInfo(queue)).paused).toBe(false);
});

test.for([
  ["run", "retry", "task made pending", "pending"],
  ["archive", "pending", "task archived", "archived"],
  ["redrive", "archived", "task begun anew", "pending"],
] as const)("%s takes the task %s elsewhere", async ([verb, id, said, state], { doIt, inspector, broker, aTask }) => {
  await seedEveryState(broker, aTask);
  expect(await doIt({ on: "task", queue, id, verb })).toBe(`${said}: "${id}"`);
  expect((await inspector.getTaskInfo(queue, id)).state).toBe(state);
});

test("a task is deleted, a quarantined one too, and of one that is gone it is said so", async ({ doIt, broker, aTask, redis }) => {
  await seedEveryState(broker, aTask);
  for (const id of ["completed", "quarantined"]) {
    expect(await doIt({ on: "task", queue, id, verb: "delete" })).toBe(`task deleted: "${id}"`);
    expect(await redis.exists(`asynq:{default}:t:${id}`)).toBe(0);
  }
  await expect(doIt({ on: "task", queue, id: "completed", verb: "delete" })).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
});

test("a run is canceled by the bare id, which Go's servers hear, and all runs of a queue so too", async ({ doIt, broker, aTask }) => {
  await runOf(
    broker,
    ["t1", "t2", "t3"].map((taskId) => aTask({ taskId })),
  );
  expect(await doIt({ on: "task", queue, id: "t1", verb: "cancel" })).toBe('task told to stop: "t1"');
  expect((await listCancelIntents(broker)).map(({ id, queue: of }) => [id, of])).toEqual([["t1", undefined]]);
  expect(await doIt({ on: "tab", queue, verb: "cancel", tab: "active", count: 3 })).toBe("3 tasks told to stop");
  expect((await listCancelIntents(broker)).map(({ id }) => id).sort()).toEqual(["t1", "t2", "t3"]);
});

async function runOf(broker: Broker, tasks: readonly NewTask[]): Promise<void> {
  await enqueue(broker, tasks);
  await dequeue(broker, [queue], tasks.length);
}

test("all tasks of a state are meant, or those of a group, or of all groups", async ({ doIt, broker, aTask, inspector }) => {
  await enqueue(broker, [aTask({ taskId: "p1" }), aTask({ taskId: "p2" })]);
  await enqueue(
    broker,
    ["a", "a", "b", "c"].map((group, i) => aTask({ taskId: `g${i}`, group })),
  );
  expect(await doIt({ on: "tab", queue, verb: "archive", tab: "pending", count: 2 })).toBe("2 tasks archived");
  expect(await doIt({ on: "tab", queue, verb: "redrive", tab: "archived", count: 2 })).toBe("2 tasks begun anew");
  expect(await doIt({ on: "tab", queue, verb: "delete", tab: "aggregating", group: "a", count: 2 })).toBe("2 tasks deleted");
  expect(await doIt({ on: "tab", queue, verb: "run", tab: "aggregating", count: 2 })).toBe("2 tasks made pending");
  expect(await inspector.getQueueInfo(queue)).toMatchObject({ size: 4, pending: 4 });
});

test("what a search finds is acted on wherever the verb takes tasks from, and progress is told", async ({ broker, aTask, inspector }) => {
  await seedEveryState(broker, aTask);
  const told: number[] = [];
  const action = { on: "found", queue, verb: "run", text: "failed", filter: { error: "failed" }, found: "3" } as const;
  const text = await act(inspector, action, (done) => told.push(done), new AbortController().signal);
  expect(text).toBe("2 tasks made pending");
  expect(told.at(-1)).toBe(2);
  expect(await inspector.getQueueInfo(queue)).toMatchObject({ archived: 0, completed: 1 });
});

test("what is stopped says so, and does no more", async ({ broker, aTask, inspector }) => {
  await enqueue(
    broker,
    Array.from({ length: 250 }, () => aTask()),
  );
  const stop = new AbortController();
  const text = await act(inspector, { on: "tab", queue, verb: "delete", tab: "pending", count: 250 }, () => stop.abort(), stop.signal);
  expect(text).toBe("100 tasks deleted, stopped");
  expect(await inspector.getQueueInfo(queue)).toMatchObject({ pending: 150 });
});
