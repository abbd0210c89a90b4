import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { seedEveryState } from "../../../../test/support/every-state.ts";
import { aggregationCheck } from "../broker/aggregation-check.ts";
import { dequeue } from "../broker/dequeue.ts";
import { enqueue } from "../broker/enqueue.ts";
import { repairQueue } from "../broker/repair-queue.ts";
import { settle } from "../broker/settle.ts";
import { addCronEntry } from "../cron/add-cron-entry.ts";
import { listCronEntries } from "../cron/list-cron-entries.ts";
import { scanInvariants } from "../invariants/scan-invariants.ts";
import { removeQueue } from "./remove-queue.ts";

const removed = { deleted: 0, cronEntries: [], more: false, existsAgain: false, left: [] };

describe("removeQueue", () => {
  test("leaves no key of a queue that holds tasks in every state, and its neighbours alone", async ({ broker, aTask, redis, keyspace }) => {
    await enqueue(broker, [aTask({ queue: "low", taskId: "a" })]);
    const before = await keyspace();
    const { active } = await seedEveryState(broker, aTask);
    await settle(broker, [{ queue: "default", id: active.id, fence: { token: active.token }, to: "done" }]);
    await redis.set("asynq:{default}:paused", "1");
    await redis.set("asynq:{default}:processed:2031-05-05", "7");
    await repairQueue(broker, "default");

    const report = await removeQueue(broker, "default", { force: true });

    expect(report).toEqual({ ...removed, deleted: 11 });
    expect(await keyspace()).toEqual(before);
  });

  test("removes an empty queue with its counters, its pause and the names of its empty groups", async ({
    broker,
    aTask,
    redis,
    keyspace,
  }) => {
    await enqueue(broker, [aTask({ taskId: "a" })]);
    const { tasks } = await dequeue(broker, ["default"], 1);
    await settle(broker, [{ queue: "default", id: "a", fence: { token: tasks[0]!.token }, to: "done" }]);
    await redis.sadd("asynq:{default}:groups", ...Array.from({ length: 250 }, (_, i) => `g${i}`));
    await redis.set("asynq:{default}:paused", "1");

    expect(await removeQueue(broker, "default")).toEqual(removed);

    expect(await keyspace()).toEqual({});
  });

  test("refuses a queue that holds a task, in whatever state, and changes nothing", async ({ broker, aTask, redis, keyspace, clock }) => {
    const notEmpty = { code: "QUEUE_NOT_EMPTY", message: 'queue is not empty: queue="default"' };
    const refuses = async (): Promise<void> => {
      const before = await keyspace();
      await expect(removeQueue(broker, "default")).rejects.toMatchObject(notEmpty);
      expect(await keyspace()).toEqual(before);
    };
    for (const options of [{}, { processInSec: 60 }, { group: "g" }]) {
      await enqueue(broker, [aTask({ taskId: "a", ...options })]);
      await refuses();
      await removeQueue(broker, "default", { force: true });
    }
    for (const state of ["retry", "archived", "completed", "js:quarantine"]) {
      await enqueue(broker, [aTask({ taskId: "a" })]);
      await redis.rename("asynq:{default}:pending", "asynq:{default}:x");
      await redis.del("asynq:{default}:x");
      await redis.zadd(`asynq:{default}:${state}`, startSec, "a");
      await refuses();
      await removeQueue(broker, "default", { force: true });
    }
    await enqueue(broker, [aTask({ taskId: "a", group: "g" })]);
    await clock.advance(61_000);
    await aggregationCheck(broker, "default", ["g"], { gracePeriodSec: 60, maxDelaySec: 0, maxSize: 0 });
    await refuses();
    await expect(removeQueue(broker, "none")).rejects.toMatchObject({ code: "QUEUE_NOT_FOUND" });
  });

  test("refuses by force too while a worker runs a task, and lets workers go on", async ({ broker, seedActive, keyspace }) => {
    await seedActive("a");
    const before = await keyspace();
    const message = 'cannot remove a queue with active tasks: queue="default"';

    await expect(removeQueue(broker, "default", { force: true })).rejects.toMatchObject({ code: "QUEUE_NOT_EMPTY", message });
    await expect(removeQueue(broker, "default")).rejects.toMatchObject({ code: "QUEUE_NOT_EMPTY", message });

    expect(await keyspace()).toEqual(before);
  });

  test("takes along what others left behind: ghosts, locks of nobody, groups and sets of no index, a container of the wrong kind", async ({
    broker,
    seedPending,
    redis,
    keyspace,
  }) => {
    await seedPending("a");
    await redis.hset("asynq:{default}:t:ghost", "msg", "m", "state", "archived", "unique_key", "asynq:{default}:unique:t:1");
    await redis.set("asynq:{default}:unique:t:1", "ghost");
    await redis.set("asynq:{default}:unique:t:2", "nobody");
    await redis.hset("asynq:{default}:t:stub", "state", "active");
    await redis.hset("asynq:{default}:t:b", "msg", "m", "state", "aggregating", "group", "lost");
    await redis.zadd("asynq:{default}:g:lost", startSec, "b");
    await redis.zadd("asynq:{default}:g:lost:01234567-89ab-4def-8123-456789abcdef", startSec, "c");
    await redis.set("asynq:{default}:retry", "in the way");
    await redis.set("asynq:{default}:js:aggregated", "in the way");
    await redis.zadd("asynq:{default}:lease", startSec, "none");
    await redis.set("asynq:{default}:of-another-program", "x");

    const report = await removeQueue(broker, "default", { force: true });

    expect(report).toMatchObject({ more: false, left: ["asynq:{default}:of-another-program"] });
    expect(await keyspace()).toEqual({ "asynq:{default}:of-another-program": "x" });
  });

  test("puts back a task that was in no container rather than remove it unasked", async ({ broker, seedPending, redis }) => {
    await seedPending("a");
    await redis.del("asynq:{default}:pending");

    await expect(removeQueue(broker, "default")).rejects.toMatchObject({ code: "QUEUE_NOT_EMPTY" });

    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["a"]);
  });

  test("goes in steps; what is enqueued meanwhile goes too, and no worker takes any of it", async ({ broker, other, aTask, keyspace }) => {
    await enqueue(
      broker,
      Array.from({ length: 600 }, (_, i) => aTask({ taskId: `t${i}`, payload: `${i}`, uniqueTtlSec: 60 })),
    );
    const deleted: number[] = [];
    const taken: unknown[] = [];
    const meanwhile: Promise<unknown>[] = [];

    const report = await removeQueue(broker, "default", {
      force: true,
      onProgress: (step) => {
        deleted.push(step.deleted);
        if (meanwhile.length > 1) return;
        meanwhile.push(enqueue(other, [aTask({ taskId: `new${step.deleted}`, group: "g", uniqueTtlSec: 60 })]));
        meanwhile.push(dequeue(other, ["default"], 10).then(({ tasks }) => taken.push(...tasks)));
      },
    });
    await Promise.all(meanwhile);

    expect(deleted.slice(0, 2)).toEqual([250, 500]);
    expect(report).toEqual({ ...removed, deleted: 601 });
    expect(taken).toEqual([]);
    expect(await keyspace()).toEqual({});
  });

  test("is there again, whole and not paused, by a task that comes after the last step", async ({ broker, other, aTask, port, redis }) => {
    await enqueue(broker, [aTask({ taskId: "a" })]);
    await enqueue(other, [aTask({ taskId: "b" })]);
    const send = port.send.bind(port);
    port.send = async (commands, options) => {
      // Before the queue's name goes, after all else went. The other client named it a moment ago, and does not again.
      if (commands[0]![0] === "SREM") await enqueue(other, [aTask({ taskId: "late", uniqueTtlSec: 60 })]);
      return send(commands, options);
    };

    const report = await removeQueue(broker, "default", { force: true });

    expect(report).toEqual({ ...removed, deleted: 2, existsAgain: true });
    expect(await redis.smembers("asynq:queues")).toEqual(["default"]);
    expect(await redis.exists("asynq:{default}:paused")).toBe(0);
    expect((await scanInvariants(broker.redis)).findings).toEqual([]);
    expect((await dequeue(broker, ["default"], 10)).tasks.map(({ id }) => id)).toEqual(["late"]);
  });

  test("stops when it is told to and lets workers go on; called again it goes on", async ({ broker, aTask, redis, keyspace }) => {
    await enqueue(
      broker,
      Array.from({ length: 600 }, (_, i) => aTask({ taskId: `t${i}` })),
    );
    const stop = new AbortController();

    const report = await removeQueue(broker, "default", { force: true, signal: stop.signal, onProgress: () => stop.abort() });

    expect(report).toMatchObject({ deleted: 250, more: true });
    expect(await redis.llen("asynq:{default}:pending")).toBe(350);
    expect(await redis.exists("asynq:{default}:paused")).toBe(0);
    expect(await removeQueue(broker, "default", { force: true })).toMatchObject({ deleted: 350, more: false });
    expect(await keyspace()).toEqual({});
  });

  test("refuses, naming them, while cron entries enqueue into the queue, and removes them by force", async ({
    broker,
    seedPending,
    redis,
  }) => {
    await addCronEntry(broker, { id: "report", spec: "@daily", type: "report:send" });
    await addCronEntry(broker, { id: "other", spec: "@daily", type: "report:send", queue: "low" });
    await seedPending("a");
    const why = 'cron entries enqueue into the queue (report): queue="default"';

    await expect(removeQueue(broker, "default")).rejects.toMatchObject({ code: "QUEUE_NOT_EMPTY", message: why });
    expect(await removeQueue(broker, "default", { force: true })).toEqual({ ...removed, deleted: 1, cronEntries: ["report"] });

    expect((await listCronEntries(broker)).entries.map(({ id }) => id)).toEqual(["other"]);
    // Sealed: who read the entry before fires nothing.
    expect((await redis.keys("asynq:{default}:*")).filter((key) => !key.includes("js:call"))).toEqual(["asynq:{default}:js:cron:report"]);
    expect(await redis.hget("asynq:{default}:js:cron:report", "sealed")).toBe("1");
  });

  test("removes no cron entry of a queue that it does not remove", async ({ broker, seedActive }) => {
    await addCronEntry(broker, { id: "report", spec: "@daily", type: "report:send" });
    await seedActive("a");

    await expect(removeQueue(broker, "default", { force: true })).rejects.toThrow("active tasks");

    expect((await listCronEntries(broker)).entries.map(({ id }) => id)).toEqual(["report"]);
  });

  test("names the queue again with the next task of this client", async ({ broker, seedPending, redis }) => {
    await seedPending("a");
    await removeQueue(broker, "default", { force: true });
    await seedPending("b");
    expect(await redis.smembers("asynq:queues")).toEqual(["default"]);
  });
});
