import { describe } from "vitest";
import { test as brokerTest, expect, startSec } from "../../../../test/support/broker-test.ts";
import { everyId, seedEveryState } from "../../../../test/support/every-state.ts";
import { enqueue } from "../broker/enqueue.ts";
import { recordSchedulerEnqueueEvent, writeSchedulerEntries } from "../broker/scheduler-entries.ts";
import { writeLog } from "../broker/write-log.ts";
import { writeServerState } from "../broker/write-server-state.ts";
import { renderMetrics } from "../metrics/exposition.ts";
import { seededRandom } from "../testing/manual-clock.ts";
import { encodeSchedulerEnqueueEvent, encodeSchedulerEntry } from "../wire/scheduler-entry.ts";
import { encodeServerInfo, encodeWorkerInfo } from "../wire/server-info.ts";
import { goZeroTimeNs } from "../wire/timestamp.ts";
import { Inspector } from "./inspector.ts";
import { readClusterInfo, readRedisInfo } from "./read-redis-info.ts";

const test = brokerTest.extend<{ inspector: Inspector }>({
  inspector: async ({ port, clock }, use) => use(new Inspector({ redis: port, clock, random: seededRandom(9) })),
});

const startNs = BigInt(startSec) * 1_000_000_000n;

describe("what an inspector shows", () => {
  test("queues, groups, how a queue stands, and its days", async ({ inspector, broker, aTask, redis }) => {
    await seedEveryState(broker, aTask);
    await enqueue(broker, [aTask({ queue: "low", taskId: "x" }), aTask({ taskId: "h", group: "h" })]);
    await redis.set("asynq:{default}:processed:2040-01-01", "41");
    await redis.set("asynq:{default}:failed:2040-01-01", "no number");

    expect(await inspector.queues()).toEqual(["default", "low"]);
    expect(await inspector.groups("default")).toEqual([
      { group: "g", size: 1 },
      { group: "h", size: 1 },
    ]);
    expect(await inspector.getQueueInfo("default")).toMatchObject({
      queue: "default",
      pending: 1,
      active: 1,
      scheduled: 2,
      retry: 2,
      archived: 1,
      completed: 1,
      aggregating: 2,
      groups: 2,
      quarantined: 1,
      memoryUsageBytes: expect.any(Number),
      timestamp: new Date(startSec * 1000),
    });
    expect(await inspector.history("default", 3)).toEqual([
      { queue: "default", processed: 3, failed: 2, day: "2040-01-02" },
      { queue: "default", processed: 41, failed: 0, day: "2040-01-01" },
      { queue: "default", processed: 0, failed: 0, day: "2039-12-31" },
    ]);
  });

  test("all queues as Asynq's exporter tells them, for Prometheus", async ({ inspector, broker, aTask, redis }) => {
    await seedEveryState(broker, aTask);
    await enqueue(broker, [aTask({ queue: "low", taskId: "x" })]);

    const text = renderMetrics(await inspector.metrics());

    expect(text).toContain('asynq_tasks_enqueued_total{queue="default",state="retry"} 2\n');
    expect(text).toContain('asynq_queue_size{queue="low"} 1\n');
    expect(text).toMatch(/^asynq_queue_memory_usage_approx_bytes\{queue="low"\} \d+$/m);
    await redis.set("asynq:{low}:pending", "no list");
    await expect(inspector.metrics()).rejects.toThrow("WRONGTYPE");
  });

  test("each task by its id, in whatever state", async ({ inspector, broker, aTask }) => {
    await seedEveryState(broker, aTask);

    const states = await Promise.all(everyId.map(async (id) => [id, (await inspector.getTaskInfo("default", id)).state]));

    expect(Object.fromEntries(states)).toEqual({
      active: "active",
      aggregating: "aggregating",
      archived: "archived",
      completed: "completed",
      "grouped-later": "scheduled",
      "in-a-set": "aggregating",
      pending: "pending",
      quarantined: "js:quarantine",
      recovered: "retry",
      retry: "retry",
      scheduled: "scheduled",
      "unique-in-a-set": "aggregating",
    });
    const now = new Date(startSec * 1000);
    const later = new Date((startSec + 60) * 1000);
    expect(await inspector.getTaskInfo("default", "pending")).toMatchObject({ nextProcessAt: now, lastErr: undefined });
    expect(await inspector.getTaskInfo("default", "scheduled")).toMatchObject({ nextProcessAt: later });
    expect(await inspector.getTaskInfo("default", "retry")).toMatchObject({ nextProcessAt: later, lastErr: "failed", lastFailedAt: now });
    expect(await inspector.getTaskInfo("default", "archived")).toMatchObject({ nextProcessAt: undefined, retried: 1 });
  });

  test("that there is no such queue, or no such task in it", async ({ inspector, seedPending, redis }) => {
    await seedPending("a");
    const noQueue = { code: "QUEUE_NOT_FOUND", message: 'queue not found: queue="none"' };

    await expect(inspector.getQueueInfo("none")).rejects.toMatchObject(noQueue);
    await expect(inspector.history("none", 1)).rejects.toMatchObject(noQueue);
    await expect(inspector.listRetryTasks("none")).rejects.toMatchObject(noQueue);
    await expect(inspector.getTaskInfo("none", "a")).rejects.toMatchObject(noQueue);
    await expect(inspector.getTaskInfo("default", "b")).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
    await expect(inspector.history("default", 0)).rejects.toMatchObject({ option: "days" });
    await redis.hset("asynq:{default}:t:a", "msg", "\u0007no message");
    await expect(inspector.getTaskInfo("default", "a")).rejects.toMatchObject({ code: "DECODE" });
    await redis.hset("asynq:{default}:t:a", "state", "lost");
    await expect(inspector.getTaskInfo("default", "a")).rejects.toMatchObject({ code: "DECODE" });
    expect(await inspector.listRetryTasks("default")).toEqual({ tasks: [], unreadable: [] });
    expect(await inspector.groups("default")).toEqual([]);
  });

  test("each list by its name", async ({ inspector, broker, aTask }) => {
    await seedEveryState(broker, aTask);
    const lists = {
      pending: inspector.listPendingTasks("default"),
      active: inspector.listActiveTasks("default"),
      scheduled: inspector.listScheduledTasks("default", { pageSize: 1, page: 2 }),
      recovered: inspector.listRetryTasks("default", { pageSize: 1 }),
      archived: inspector.listArchivedTasks("default"),
      completed: inspector.listCompletedTasks("default"),
      aggregating: inspector.listAggregatingTasks("default", "g"),
    };

    for (const [id, list] of Object.entries(lists)) expect((await list).tasks.map((task) => task.id)).toEqual([id]);
  });

  test("the servers that live with what each runs, and takes those that are over out of the index", async ({
    inspector,
    broker,
    clock,
    redis,
  }) => {
    const server = (serverId: string) => ({ host: "h", pid: 7, serverId });
    const info = (serverId: string): Uint8Array =>
      encodeServerInfo({
        ...server(serverId),
        concurrency: 10,
        queues: { default: 3, low: 1 },
        strictPriority: true,
        status: "active",
        startedAtNs: startNs,
        activeWorkerCount: 1,
      });
    const running = encodeWorkerInfo({
      ...server("a"),
      taskId: "t",
      taskType: "email:send",
      taskPayload: new Uint8Array([1]),
      queue: "default",
      startedAtNs: startNs,
      deadlineNs: startNs + 60_000_000_000n,
    });
    const life = { nowSec: startSec, ttlSec: 30 };
    await writeServerState(broker, { ...server("a"), info: info("a"), workers: [{ taskId: "t", info: running }] }, life);
    await writeServerState(broker, { ...server("b"), info: info("b"), workers: [] }, life);
    await writeServerState(broker, { ...server("over"), info: info("over"), workers: [] }, { ...life, ttlSec: 1 });
    await writeServerState(broker, { ...server("torn"), info: new Uint8Array([7]), workers: [] }, life);
    await clock.advance(5_000);

    const [a, b, ...others] = await inspector.servers();

    expect(others).toEqual([]);
    expect(a).toEqual({
      id: "a",
      host: "h",
      pid: 7,
      concurrency: 10,
      queues: { default: 3, low: 1 },
      strictPriority: true,
      startedAt: new Date(startSec * 1000),
      status: "active",
      activeWorkers: [
        {
          taskId: "t",
          taskType: "email:send",
          taskPayload: new Uint8Array([1]),
          queue: "default",
          startedAt: new Date(startSec * 1000),
          deadline: new Date((startSec + 60) * 1000),
        },
      ],
    });
    expect(b).toMatchObject({ id: "b", activeWorkers: [] });
    expect(await redis.zscore("asynq:servers", "asynq:servers:{h:7:over}")).toBeNull();
    await clock.advance(60_000);
    expect(await inspector.servers()).toEqual([]);
  });

  test("the entries of schedulers, and what each enqueued", async ({ inspector, broker }) => {
    const entry = encodeSchedulerEntry({
      id: "e",
      spec: "@every 1m",
      taskType: "report",
      taskPayload: undefined,
      enqueueOptions: ['Queue("low")'],
      nextEnqueueAtNs: startNs + 60_000_000_000n,
      prevEnqueueAtNs: goZeroTimeNs,
    });
    await writeSchedulerEntries(broker, "h:1:s", [new Uint8Array([7]), entry], 60);
    for (const [i, taskId] of ["old", "new"].entries()) {
      const event = encodeSchedulerEnqueueEvent({ taskId, enqueuedAtNs: startNs + BigInt(i) * 1_000_000_000n });
      await recordSchedulerEnqueueEvent(broker, "e", { atSec: startSec + i, event });
    }

    expect(await inspector.schedulerEntries()).toEqual([
      {
        id: "e",
        spec: "@every 1m",
        taskType: "report",
        taskPayload: undefined,
        opts: ['Queue("low")'],
        options: { queue: "low" },
        next: new Date((startSec + 60) * 1000),
        prev: undefined,
      },
    ]);
    expect(await inspector.listSchedulerEnqueueEvents("e", { pageSize: 1 })).toEqual([
      { taskId: "new", enqueuedAt: new Date((startSec + 1) * 1000) },
    ]);
    expect(await inspector.listSchedulerEnqueueEvents("e", { pageSize: 1, page: 2 })).toMatchObject([{ taskId: "old" }]);
  });

  test("where in a Cluster a queue lives", async ({ inspector, redis, port }) => {
    expect(inspector.clusterKeySlot("default")).toBe(5_718);
    if (!redis.isCluster) {
      await expect(inspector.clusterNodes("default")).rejects.toMatchObject({ code: "REDIS" });
      return;
    }
    expect(await redis.call("CLUSTER", "KEYSLOT", "asynq:{default}:pending")).toBe(5_718);
    const nodes = await inspector.clusterNodes("default");
    expect(nodes).toHaveLength(1);
    expect(nodes[0]).toEqual({ id: expect.stringMatching(/^[0-9a-f]{40}$/), addr: expect.stringMatching(/^127\.0\.0\.1:\d+$/) });
    expect((await port.features()).cluster).toBe(true);
  });
});

describe("what Redis tells an inspector", () => {
  test("what Redis says of itself", async ({ inspector, redis }) => {
    const info = await readRedisInfo(inspector.broker);
    expect(info.redis_version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(Object.keys(info).filter((name) => name.startsWith("#"))).toEqual([]);
    if (redis.isCluster) expect((await readClusterInfo(inspector.broker)).cluster_state).toBe("ok");
    else await expect(readClusterInfo(inspector.broker)).rejects.toMatchObject({ code: "REDIS" });
  });
});

describe("what an inspector steers", () => {
  test("pauses a queue and lets it go on", async ({ inspector, redis, seedPending }) => {
    await seedPending("a");
    await inspector.pauseQueue("default");
    expect(await redis.get("asynq:{default}:paused")).toBe(String(startSec));
    expect((await inspector.getQueueInfo("default")).paused).toBe(true);
    await inspector.unpauseQueue("default");
    expect(await redis.exists("asynq:{default}:paused")).toBe(0);
  });

  test("asks for the end of a task, in every queue or in one", async ({ inspector, redis }) => {
    await inspector.cancelProcessing("a");
    await inspector.cancelProcessing({ id: "b", queue: "low" });
    expect(await redis.zrange("asynq:js:cancel", "0", "-1")).toEqual(["\na", "low\nb"]);
  });

  test("runs, archives and deletes a task, and says what is in the way of another", async ({ inspector, broker, aTask, redis }) => {
    await seedEveryState(broker, aTask);
    const state = async (id: string) => (await inspector.getTaskInfo("default", id)).state;

    await inspector.runTask("default", "scheduled");
    await inspector.archiveTask("default", "retry");
    await inspector.deleteTask("default", "completed");
    await inspector.runTask("default", "quarantined");

    expect(await state("scheduled")).toBe("pending");
    expect(await state("retry")).toBe("archived");
    expect(await state("quarantined")).toBe("pending");
    expect(await redis.hexists("asynq:{default}:t:quarantined", "js:why")).toBe(0);
    await expect(inspector.getTaskInfo("default", "completed")).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
    await expect(inspector.runTask("default", "pending")).rejects.toMatchObject({
      code: "TASK_STATE",
      message: 'cannot run a task that is pending: queue="default" id="pending"',
    });
    await expect(inspector.archiveTask("default", "archived")).rejects.toThrow("cannot archive a task that is archived");
    await expect(inspector.deleteTask("default", "active")).rejects.toThrow("cancelProcessing ends its run");
    await expect(inspector.deleteTask("default", "in-a-set")).rejects.toThrow("cannot delete a task that is being aggregated");
    await expect(inspector.deleteTask("default", "completed")).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
    await expect(inspector.deleteTask("none", "a")).rejects.toMatchObject({ code: "QUEUE_NOT_FOUND" });
  });

  test("changes, puts off and redrives a task, and says what is in the way of another", async ({ inspector, broker, aTask }) => {
    await seedEveryState(broker, aTask);
    const later = new Date((startSec + 900) * 1000);

    await inspector.updateTaskPayload("default", "scheduled", "new");
    await inspector.rescheduleTask("default", "scheduled", later);
    await inspector.redriveTask("default", "archived");

    const scheduled = await inspector.getTaskInfo("default", "scheduled");
    expect(scheduled).toMatchObject({ payload: new TextEncoder().encode("new"), nextProcessAt: later });
    expect(await inspector.getTaskInfo("default", "archived")).toMatchObject({ state: "pending", retried: 0, lastErr: undefined });
    await expect(inspector.updateTaskPayload("default", "completed", "x")).rejects.toThrow("cannot update a task that is completed");
    await expect(inspector.updateTaskPayload("default", "retry", "archived")).rejects.toThrow("whose unique lock another holds");
    await expect(inspector.rescheduleTask("default", "completed", later)).rejects.toMatchObject({ code: "TASK_STATE" });
    await expect(inspector.redriveTask("default", "none")).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
    await expect(inspector.redriveTask("none", "none")).rejects.toMatchObject({ code: "QUEUE_NOT_FOUND" });
  });

  test("deletes a task that is quarantined, and archives none", async ({ inspector, broker, aTask, redis }) => {
    await seedEveryState(broker, aTask);
    await expect(inspector.archiveTask("default", "quarantined")).rejects.toThrow("cannot archive a task that is js:quarantine");
    await inspector.deleteTask("default", "quarantined");
    expect(await redis.exists("asynq:{default}:t:quarantined", "asynq:{default}:js:quarantine")).toBe(0);
  });

  test("runs, archives and deletes all of a state by its name", async ({ inspector, broker, aTask }) => {
    await seedEveryState(broker, aTask);
    const done = async (report: Promise<{ readonly done: number }>): Promise<number> => (await report).done;

    expect(await done(inspector.runAllScheduledTasks("default"))).toBe(2);
    expect(await done(inspector.runAllRetryTasks("default"))).toBe(2);
    expect(await done(inspector.runAllAggregatingTasks("default", "g"))).toBe(1);
    expect(await done(inspector.archiveAllPendingTasks("default"))).toBe(6);
    expect(await done(inspector.runAllArchivedTasks("default"))).toBe(7);
    expect(await done(inspector.deleteAllPendingTasks("default"))).toBe(7);
    expect(await done(inspector.deleteAllCompletedTasks("default"))).toBe(1);
    expect(await inspector.getQueueInfo("default")).toMatchObject({ size: 1, active: 1 });

    const more = { a: { processInSec: 9 }, b: { group: "g" }, c: { processInSec: 9 }, d: { group: "g" } };
    const seed = (...ids: (keyof typeof more)[]) =>
      enqueue(
        broker,
        ids.map((taskId) => aTask({ taskId, ...more[taskId] })),
      );
    await seed("a", "b");
    expect(await done(inspector.archiveAllScheduledTasks("default"))).toBe(1);
    expect(await done(inspector.archiveAllRetryTasks("default"))).toBe(0);
    expect(await done(inspector.archiveAllAggregatingTasks("default", "g"))).toBe(1);
    await seed("c", "d");
    expect(await done(inspector.deleteAllScheduledTasks("default"))).toBe(1);
    expect(await done(inspector.deleteAllAggregatingTasks("default", "g"))).toBe(1);
    expect(await done(inspector.deleteAllRetryTasks("default"))).toBe(0);
    expect(await done(inspector.deleteAllArchivedTasks("default"))).toBe(2);
    await expect(inspector.deleteAllArchivedTasks("none")).rejects.toMatchObject({ code: "QUEUE_NOT_FOUND" });
  });

  test("searches, acts on what it finds, and shows the quarantine", async ({ inspector, broker, aTask }) => {
    await seedEveryState(broker, aTask);

    expect(await inspector.searchTasks("default", { id: "retry" })).toMatchObject({ tasks: [{ id: "retry" }], incomplete: false });
    expect(await inspector.actOnTasks("default", "run", { error: "failed" })).toMatchObject({ done: 2 });
    expect(await inspector.listQuarantinedTasks("default")).toMatchObject([{ id: "quarantined", why: "for the test" }]);
    expect(await inspector.listQuarantinedTasks("default", { page: 2 })).toEqual([]);
    await expect(inspector.searchTasks("none", {})).rejects.toMatchObject({ code: "QUEUE_NOT_FOUND" });
    await expect(inspector.actOnTasks("none", "run", {})).rejects.toMatchObject({ code: "QUEUE_NOT_FOUND" });
  });

  test("reads what the runs of a task logged", async ({ inspector, broker, seedActive, redis }) => {
    const held = await seedActive("a");
    await writeLog(broker, held, [{ message: "begun", atMs: startSec * 1000 }]);

    expect(await inspector.getTaskLogs("default", "a")).toEqual([{ message: "begun", atMs: startSec * 1000 }]);
    expect(await inspector.getTaskLogs("default", "none")).toEqual([]);
    await redis.hset("asynq:{default}:t:a", "logs", '[{"msg":7},null]');
    expect(await inspector.getTaskLogs("default", "a")).toEqual([
      { message: "7", atMs: 0 },
      { message: "", atMs: 0 },
    ]);
    for (const text of ["no json", "{}"]) {
      await redis.hset("asynq:{default}:t:a", "logs", text);
      await expect(inspector.getTaskLogs("default", "a")).rejects.toMatchObject({ code: "DECODE" });
    }
  });

  test("refuses what is no port", () => {
    expect(() => new Inspector({ redis: undefined! })).toThrow(expect.objectContaining({ option: "redis" }));
  });
});
