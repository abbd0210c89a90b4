/** The inspectors beside each other: both are shown the same keyspace, both do the same to it, and what they leave is compared, key by key. */
import { Task } from "@asynqjs/client-edge";
import { AsynqError, type RedisPort, type TaskState } from "@asynqjs/core";
import { archiveAllTasks, deleteAllTasks, Inspector, listTasks, runAllTasks, type StoredTask } from "@asynqjs/core/inspector";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { type KeyValue, readKeyspace } from "@asynqjs/core/testing";
import type { Redis } from "ioredis";
import type { GoTaskInfo } from "./go-peer.ts";
import { expect, goVersions, onGo } from "./interop-test.ts";
import { keepKeyspace } from "./keep-keyspace.ts";
import { seedSevenStates, taskStates } from "./seven-states.ts";

type Keys = Readonly<Record<string, KeyValue>>;

/** Fields that only ours writes or clears: rows of `docs/extensions.md`. */
const extensions = ["js:recovered", "js:handed_back", "pending_since"];
/** Both act in the same seconds, however busy the machine is. */
const slackSec = 30;

/** What both have to leave the same: without the fields of ours, and the time of what was archived just now as that. */
function comparable(keys: Keys, before: Keys, nowSec: number): Keys {
  const isNew = (key: string, name: string, score: string): boolean =>
    Object(before[key])[name] !== score && Math.abs(Number(score) - nowSec) <= slackSec;
  return Object.fromEntries(
    Object.entries(keys).map(([key, value]) => {
      if (typeof value !== "object" || Array.isArray(value)) return [key, value];
      const pairs = Object.entries(value)
        .filter(([name]) => !extensions.includes(name))
        .map(([name, text]) => [name, key.endsWith(":archived") && isNew(key, name, text) ? "now" : text]);
      return [key, Object.fromEntries(pairs)];
    }),
  );
}

interface Place {
  readonly redis: Redis;
  readonly port: RedisPort;
}

/** Lets Go and then ours do the same to the same; answers what either said, and what either left. */
async function both({ redis, port }: Place, goActs: () => Promise<unknown>, oursActs: () => Promise<unknown>) {
  const putBack = await keepKeyspace(redis);
  const before = await readKeyspace(port);
  const one = async (act: () => Promise<unknown>) => {
    const said = await act().then(
      (answer) => answer,
      () => "refused",
    );
    const left = comparable(await readKeyspace(port), before, Date.now() / 1000);
    await putBack();
    return { said: said ?? "done", left };
  };
  return { go: await one(goActs), ours: await one(oursActs) };
}

const inspectorOf = (redis: Redis): Inspector => new Inspector({ redis: ioredisPort(redis) });

/** A task as both tell of it. */
function told(task: StoredTask): Omit<GoTaskInfo, "payload" | "headers" | "result"> & { payload: string } {
  const sec = (date: Date | undefined): number => (date === undefined ? 0 : Math.floor(date.getTime() / 1000));
  return {
    id: task.id,
    queue: task.queue,
    type: task.type,
    payload: Buffer.from(task.payload ?? []).toString("base64"),
    state: task.state as TaskState,
    maxRetry: task.maxRetry,
    retried: task.retried,
    lastErr: task.lastErr ?? "",
    lastFailedAtSec: sec(task.lastFailedAt),
    timeoutSec: task.timeoutSec ?? 0,
    deadlineSec: sec(task.deadline),
    group: task.group ?? "",
    nextProcessAtSec: sec(task.nextProcessAt),
    isOrphaned: task.isOrphaned,
    retentionSec: task.retentionSec,
    completedAtSec: sec(task.completedAt),
  };
}

onGo(goVersions, (test) => {
  test("both show the same of queues, groups and tasks, in the same order", async ({ redis, go }) => {
    const ours = await seedSevenStates(redis);
    for (const id of ["b", "a"]) {
      await ours.enqueue(new Task("email:send", `to ${id}`), { taskId: `pending-${id}` });
      await ours.enqueue(new Task("email:send", `to ${id}`), { taskId: `scheduled-${id}`, processInSec: 7200 });
    }
    const inspector = inspectorOf(redis);

    expect(await inspector.queues()).toEqual(await go.queues());
    expect(await inspector.groups("default")).toEqual((await go.groups()).map(({ Group, Size }) => ({ group: Group, size: Size })));
    const info = await inspector.getQueueInfo("default");
    expect(await go.queueInfo()).toMatchObject({
      Size: info.size,
      Groups: info.groups,
      Pending: info.pending,
      Active: info.active,
      Scheduled: info.scheduled,
      Retry: info.retry,
      Archived: info.archived,
      Completed: info.completed,
      Aggregating: info.aggregating,
      Processed: info.processed,
      Failed: info.failed,
      Paused: info.paused,
    });
    for (const state of taskStates) {
      const { tasks, unreadable } = await listTasks(inspector.broker, "default", { state, group: "g" });
      expect(unreadable).toEqual([]);
      const byGo = await go.list(state, { group: "g" });
      // Of a pending task it is now, by either's clock; Go's lists leave it out.
      const withoutNow = <T extends { nextProcessAtSec: number }>(task: T): T =>
        state === "pending" ? { ...task, nextProcessAtSec: 0 } : task;
      expect(tasks.map(told).map(withoutNow)).toMatchObject(byGo.map(({ headers: _, result: __, ...task }) => withoutNow({ ...task })));
      for (const { id } of byGo) {
        const { headers: _, result: __, ...task } = await go.task(id);
        expect(withoutNow(told(await inspector.getTaskInfo("default", id)))).toEqual(withoutNow(task));
      }
    }
  });

  for (const operation of ["run", "archive", "delete"] as const) {
    test(`${operation}: both leave the same of a task in each state, and refuse the same`, async ({ redis, go }) => {
      await seedSevenStates(redis);
      const inspector = inspectorOf(redis);
      const done: string[] = [];

      for (const id of [...taskStates, "none"]) {
        const { go: byGo, ours } = await both(
          { redis, port: inspector.broker.redis },
          () => go.act(operation, { id }),
          () => inspector[`${operation}Task`]("default", id),
        );
        expect([id, ours]).toEqual([id, byGo]);
        if (ours.said === "done") done.push(id);
      }

      const takes = { run: taskStates.filter((state) => state !== "pending"), archive: taskStates.filter((state) => state !== "archived") };
      const taken = operation === "delete" ? taskStates : takes[operation];
      expect(done).toEqual(taken.filter((state) => state !== "active"));
    });
  }

  test("runAll, archiveAll and deleteAll: both leave the same, and count the same", async ({ redis, go }) => {
    await seedSevenStates(redis);
    const { broker } = inspectorOf(redis);
    const verbs = { runAll: runAllTasks, archiveAll: archiveAllTasks, deleteAll: deleteAllTasks };
    const states = {
      runAll: ["scheduled", "retry", "archived", "aggregating"],
      archiveAll: ["pending", "scheduled", "retry", "aggregating"],
      deleteAll: ["pending", "scheduled", "retry", "archived", "completed", "aggregating"],
    } as const;

    for (const operation of ["runAll", "archiveAll", "deleteAll"] as const) {
      for (const state of states[operation]) {
        const { go: byGo, ours } = await both(
          { redis, port: broker.redis },
          () => go.actOnAll(operation, { state, group: "g" }),
          async () => (await verbs[operation](broker, "default", { state, group: "g" } as never)).done,
        );
        expect([operation, state, ours]).toEqual([operation, state, byGo]);
        expect(ours.said).toBe(1);
      }
    }
  });

  test("deleteQueue: both refuse the same, and ours leaves what Go leaves without what belongs to the queue", async ({ redis, go }) => {
    await seedSevenStates(redis);
    const inspector = inspectorOf(redis);
    const refused = async (error: unknown): Promise<string> => (error instanceof AsynqError ? error.code : String(error));

    const unforced = await both(
      { redis, port: inspector.broker.redis },
      () => go.deleteQueue("default", false),
      () => inspector.deleteQueue("default"),
    );
    expect(unforced.ours).toEqual(unforced.go);
    expect(unforced.ours.said).toBe("refused");
    expect(await inspector.deleteQueue("default", { force: true }).catch(refused)).toBe("QUEUE_NOT_EMPTY");

    await redis.del("asynq:{default}:active", "asynq:{default}:lease", "asynq:{default}:t:active");
    const { go: byGo, ours } = await both(
      { redis, port: inspector.broker.redis },
      () => go.deleteQueue("default", true),
      () => inspector.deleteQueue("default", { force: true }).then(() => undefined),
    );
    expect(ours).toEqual({ said: "done", left: {} });
    expect(Object.keys(byGo.left)).toContain("asynq:{default}:completed");
  });
});

onGo(["v0.26.0"], (test) => {
  test("updatePayload: both leave the same of a scheduled task", async ({ redis, go }) => {
    await seedSevenStates(redis);
    const inspector = inspectorOf(redis);

    for (const payload of ["another", ""]) {
      const { go: byGo, ours } = await both(
        { redis, port: inspector.broker.redis },
        () => go.updatePayload("default", "scheduled", Buffer.from(payload)),
        () => inspector.updateTaskPayload("default", "scheduled", payload),
      );
      expect(ours).toEqual(byGo);
      expect(ours.said).toBe("done");
    }
  });
});
