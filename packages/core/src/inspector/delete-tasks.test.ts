import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { everyId, seedEveryState } from "../../../../test/support/every-state.ts";
import { enqueue } from "../broker/enqueue.ts";
import { scanInvariants } from "../invariants/scan-invariants.ts";
import { deleteAllTasks, deleteTasks } from "./delete-tasks.ts";

describe("deleteTasks", () => {
  test("deletes what no worker has, with the locks it owns, and says of each other why not", async ({ broker, aTask, redis }) => {
    await seedEveryState(broker, aTask);
    const [ofRetry, ofArchived] = await Promise.all(["retry", "archived"].map((id) => redis.hget(`asynq:{default}:t:${id}`, "unique_key")));
    await redis.set(ofArchived!, "somebody-else");

    const verdicts = await deleteTasks(broker, "default", [...everyId, "none"]);

    expect(Object.fromEntries([...everyId, "none"].map((id, i) => [id, verdicts[i]]))).toEqual({
      active: "active",
      aggregating: "done",
      archived: "done",
      completed: "done",
      "grouped-later": "done",
      "in-a-set": "aggregating",
      pending: "done",
      quarantined: "js:quarantine",
      recovered: "done",
      retry: "done",
      scheduled: "done",
      "unique-in-a-set": "aggregating",
      none: "not-found",
    });
    const left = ["active", "in-a-set", "quarantined", "unique-in-a-set"];
    expect((await redis.keys("asynq:{default}:t:*")).sort()).toEqual(left.map((id) => `asynq:{default}:t:${id}`));
    expect(await redis.exists(ofRetry!)).toBe(0);
    expect(await redis.get(ofArchived!)).toBe("somebody-else");
    const containers = ["pending", "scheduled", "retry", "archived", "completed", "groups", "g:g"];
    expect(await redis.exists(...containers.map((name) => `asynq:{default}:${name}`))).toBe(0);
    await redis.del(ofArchived!);
    expect((await scanInvariants(broker.redis)).findings).toEqual([]);
  });

  test("deletes the hash that Go's inspector leaves of a trimmed task, and a stub, but none of a task that is leased", async ({
    broker,
    redis,
  }) => {
    await redis.hset("asynq:{default}:t:ghost", "msg", "m", "state", "archived", "unique_key", "asynq:{default}:unique:t:");
    await redis.set("asynq:{default}:unique:t:", "ghost");
    await redis.hset("asynq:{default}:t:stub", "state", "active");
    await redis.hset("asynq:{default}:t:leased", "msg", "m", "state", "retry");
    await redis.zadd("asynq:{default}:lease", startSec + 30, "leased");

    expect(await deleteTasks(broker, "default", ["ghost", "stub", "leased"])).toEqual(["done", "done", "misplaced"]);

    expect((await redis.keys("asynq:{default}:[tu]*")).sort()).toEqual(["asynq:{default}:t:leased"]);
  });

  test("takes tasks out of a list in which no command finds them in time, and keeps the order of nearly all", async ({
    broker,
    redis,
    aTask,
  }) => {
    const size = 60_000;
    for (let i = 0; i < size; i += 1_000)
      await redis.lpush("asynq:{default}:pending", ...Array.from({ length: 1_000 }, (_, nth) => `f${i + nth}`));
    for (const id of ["f0", "f29000", "f30000", "f59998", "nowhere"])
      await redis.hset(`asynq:{default}:t:${id}`, "msg", "m", "state", "pending");
    await enqueue(broker, [aTask({ taskId: "newest" })]);

    const verdicts = await deleteTasks(broker, "default", ["f30000", "f0", "f29000", "f59998", "nowhere"]);

    // What is nowhere is deleted all the same.
    expect(verdicts.slice(0, 4)).toEqual(["done", "done", "done", "done"]);
    const pending = await redis.lrange("asynq:{default}:pending", 0, -1);
    expect(pending).toHaveLength(size + 1 - 4);
    const names = Array.from({ length: size }, (_, i) => `f${size - 1 - i}`);
    const expected = names.filter((name) => !["f0", "f29000", "f30000", "f59998"].includes(name));
    // Two were in the middle: two of the newest took their places.
    const inOrder = new Set(expected);
    const strayed = pending.filter((id, i) => i > 0 && inOrder.has(id) && inOrder.has(pending[i - 1]!) && !isBefore(pending[i - 1]!, id));
    expect(strayed.length).toBeLessThanOrEqual(4);
    expect(new Set(pending)).toEqual(new Set([...expected, "newest"]));
  });
});

function isBefore(newer: string, older: string): boolean {
  return Number(newer.slice(1)) > Number(older.slice(1));
}

describe("deleteAllTasks", () => {
  test("deletes all that is pending with the locks it owns, which Asynq leaves", async ({ broker, aTask, keyspace }) => {
    await enqueue(
      broker,
      Array.from({ length: 600 }, (_, i) => aTask({ taskId: `t${i}`, payload: `${i}`, uniqueTtlSec: 60 })),
    );

    const report = await deleteAllTasks(broker, "default", { state: "pending" });

    expect(report).toEqual({ done: 600, dropped: 0, trimmed: 0, of: 600, more: false });
    expect(await keyspace()).toEqual({ "asynq:queues": ["default"] });
  });

  test("deletes all of a group with the locks it owns, which Asynq leaves", async ({ broker, aTask, keyspace }) => {
    await enqueue(broker, [
      aTask({ taskId: "a", group: "g", payload: "a", uniqueTtlSec: 60 }),
      aTask({ taskId: "b", group: "g" }),
      aTask({ taskId: "c", group: "h" }),
    ]);

    expect(await deleteAllTasks(broker, "default", { state: "aggregating", group: "g" })).toMatchObject({ done: 2, of: 2 });

    expect(Object.keys(await keyspace()).sort()).toEqual([
      "asynq:queues",
      "asynq:{default}:g:h",
      "asynq:{default}:groups",
      "asynq:{default}:t:c",
    ]);
  });

  test("deletes all of each other state, and nothing else", async ({ broker, aTask, redis }) => {
    await seedEveryState(broker, aTask);

    for (const state of ["scheduled", "retry", "archived", "completed"] as const)
      expect(await deleteAllTasks(broker, "default", { state })).toMatchObject({ dropped: 0, more: false });

    const left = ["active", "aggregating", "in-a-set", "pending", "quarantined", "unique-in-a-set"];
    expect((await redis.keys("asynq:{default}:t:*")).sort()).toEqual(left.map((id) => `asynq:{default}:t:${id}`));
    expect((await scanInvariants(broker.redis)).findings).toEqual([]);
  });

  test("deletes large tasks a few at a time", async ({ broker, aTask, port }) => {
    for (let i = 0; i < 6; i++) await enqueue(broker, [aTask({ taskId: `t${i}`, payload: "x".repeat(400_000) })]);
    const before = port.sent.length;
    const done: number[] = [];

    await deleteAllTasks(broker, "default", { state: "pending" }, { onProgress: (report) => void done.push(report.done) });

    expect(done).toEqual([3, 6]);
    expect(port.sent.length - before).toBe(3);
  });

  test("of what comes meanwhile takes no more than left", async ({ broker, other, aTask, redis }) => {
    await enqueue(
      broker,
      Array.from({ length: 300 }, (_, i) => aTask({ taskId: `t${i}` })),
    );
    const meanwhile: Promise<unknown>[] = [];

    const report = await deleteAllTasks(
      broker,
      "default",
      { state: "pending" },
      { onProgress: ({ done }) => void meanwhile.push(enqueue(other, [aTask({ taskId: `new${done}` })])) },
    );
    await Promise.all(meanwhile);

    expect(report).toMatchObject({ done: 300, of: 300 });
    expect(await redis.llen("asynq:{default}:pending")).toBe(3);
  });
});
