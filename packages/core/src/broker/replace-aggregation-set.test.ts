import { describe } from "vitest";
import { expect, keyOf, sets, startNs, startSec, test } from "../../../../test/support/aggregation-test.ts";
import { deleteAggregated } from "./delete-aggregated.ts";
import { enqueue } from "./enqueue.ts";
import { reclaimStaleAggregationSets } from "./reclaim-stale-aggregation-sets.ts";
import { replaceAggregationSet } from "./replace-aggregation-set.ts";

describe("replaceAggregationSet", () => {
  test("enqueues the aggregated task and deletes the set with its tasks and the locks they own", async ({
    broker,
    aTask,
    makeSet,
    keyspace,
    redis,
  }) => {
    const locked = aTask({ taskId: "b", group: "g", payload: "b", uniqueTtlSec: 600 });
    await enqueue(broker, [
      aTask({ taskId: "a", group: "g" }),
      locked,
      aTask({ taskId: "c", group: "g", payload: "c", uniqueTtlSec: 600 }),
    ]);
    const lockOfC = aTask({ payload: "c", uniqueTtlSec: 1 }).message.uniqueKey!;
    await redis.set(lockOfC, "somebody else");
    const set = await makeSet();

    // As a task has it that was enqueued by an older version of Asynq.
    await redis.hdel("asynq:{default}:t:a", "group");

    const outcome = await replaceAggregationSet(broker, set, aTask({ taskId: "sum", type: "digest" }));

    expect(outcome.value).toEqual({ verdict: "replaced", deleted: 3, more: false });
    expect(await keyspace()).toEqual({
      "asynq:queues": ["default"],
      "asynq:{default}:pending": ["sum"],
      "asynq:{default}:t:sum": { msg: expect.any(String), state: "pending", pending_since: startNs },
      [lockOfC]: "somebody else",
    });
  });

  test("schedules the aggregated task, or lets it wait in a group again", async ({ broker, aTask, makeSet, keyspace }) => {
    await enqueue(broker, [aTask({ group: "g" })]);
    await replaceAggregationSet(broker, await makeSet(), aTask({ taskId: "later", processInSec: 60 }));
    await enqueue(broker, [aTask({ group: "g" })]);
    await replaceAggregationSet(broker, await makeSet(), aTask({ taskId: "again", group: "g" }));

    expect(await keyspace()).toEqual({
      "asynq:queues": ["default"],
      "asynq:{default}:scheduled": { later: String(startSec + 60) },
      "asynq:{default}:groups": ["g"],
      "asynq:{default}:g:g": { again: String(startSec) },
      "asynq:{default}:t:later": { msg: expect.any(String), state: "scheduled" },
      "asynq:{default}:t:again": { msg: expect.any(String), state: "aggregating", group: "g" },
    });
  });

  test("leaves everything as it was when the aggregated task is refused", async ({ broker, aTask, makeSet, keyspace }) => {
    await enqueue(broker, [aTask({ group: "g" }), aTask({ taskId: "taken" }), aTask({ payload: "one", uniqueTtlSec: 60 })]);
    const set = await makeSet();
    const before = await keyspace();

    const refused = { deleted: 0, more: false };
    expect((await replaceAggregationSet(broker, set, aTask({ taskId: "taken" }))).value).toEqual({
      ...refused,
      verdict: "task-id-conflict",
    });
    expect((await replaceAggregationSet(broker, set, aTask({ payload: "one", uniqueTtlSec: 60 }))).value).toEqual({
      ...refused,
      verdict: "duplicate-task",
    });

    expect(await keyspace()).toEqual(before);
  });

  test("a second aggregation of a set, and one of a set that was given back, enqueue nothing", async ({
    broker,
    other,
    aTask,
    makeSet,
    clock,
    keyspace,
  }) => {
    await enqueue(broker, [aTask({ group: "g" })]);
    const done = await makeSet();
    await replaceAggregationSet(broker, done, aTask({ taskId: "once" }));
    await enqueue(broker, [aTask({ taskId: "b", group: "g" })]);
    const stale = await makeSet();
    await clock.advance(120_000);
    await reclaimStaleAggregationSets(other, "default");
    const before = await keyspace();

    for (const set of [done, stale]) expect((await replaceAggregationSet(broker, set, aTask())).value?.verdict).toBe("set-lost");

    expect(await keyspace()).toEqual(before);
    expect(before).toMatchObject({ "asynq:{default}:pending": ["once"], "asynq:{default}:g:g": { b: String(startSec) } });
  });

  test("replaces a set past its deadline that nobody took", async ({ broker, aTask, makeSet, clock }) => {
    await enqueue(broker, [aTask({ group: "g" })]);
    const set = await makeSet();
    await clock.advance(200_000);

    expect((await replaceAggregationSet(broker, set, aTask())).value?.verdict).toBe("replaced");
  });

  test("deletes a large set a thousand at a time, also when it was left behind; nobody sees it as a set meanwhile", async ({
    broker,
    other,
    aTask,
    makeSet,
    clock,
    redis,
  }) => {
    for (let from = 0; from < 2_500; from += 500) {
      await enqueue(
        broker,
        Array.from({ length: 500 }, (_, i) => aTask({ taskId: `t${from + i}`, group: "g" })),
      );
    }
    const set = await makeSet();

    const { value } = await replaceAggregationSet(broker, set, aTask({ taskId: "sum" }));
    expect(value).toEqual({ verdict: "replaced", deleted: 1_000, more: true });
    expect(await redis.exists(sets)).toBe(0);
    expect(await redis.zscore("asynq:{default}:js:aggregated", keyOf(set))).toBe(String(startSec));

    // Its maker is killed here; a recoverer finds nothing to give back.
    await clock.advance(600_000);
    expect(await reclaimStaleAggregationSets(other, "default")).toMatchObject({ sets: 0, reclaimed: 0 });
    const rest = [await deleteAggregated(other, ["default"]), await deleteAggregated(other, ["default"])];

    expect(rest.map(([outcome]) => outcome!.value)).toEqual([
      { deleted: 1_000, more: true },
      { deleted: 500, more: false },
    ]);
    expect(await redis.keys("asynq:{default}:t:*")).toEqual(["asynq:{default}:t:sum"]);
    expect(await redis.keys("asynq:{default}:g:*")).toEqual([]);
    expect((await deleteAggregated(other, ["default"]))[0]!.value).toEqual({ deleted: 0, more: false });
  });

  test("looks at no group's key for a task that is in none", async ({ broker, aTask, makeSet, redis }) => {
    await enqueue(broker, [aTask({ group: "g" })]);
    const set = await makeSet();
    await redis.set("asynq:{default}:g:", "in nobody's way");

    expect((await replaceAggregationSet(broker, set, aTask())).value?.verdict).toBe("replaced");
  });

  test("deletes what was replaced first before the rest, and drops the name of what is no set", async ({ broker, aTask, redis }) => {
    const index = "asynq:{default}:js:aggregated";
    await redis.zadd(index, 1, "asynq:{default}:g:g:text", 2, "asynq:{default}:g:g:first", 3, "asynq:{default}:g:g:a");
    await redis.set("asynq:{default}:g:g:text", "no set");
    await enqueue(broker, [aTask({ taskId: "a", group: "g" }), aTask({ taskId: "b", group: "g" })]);
    await redis.zadd("asynq:{default}:g:g:first", 1, "a");
    await redis.zadd("asynq:{default}:g:g:a", 1, "b");

    expect((await deleteAggregated(broker, ["default"]))[0]!.value).toEqual({ deleted: 0, more: true });
    expect(await redis.zrange(index, "0", "-1")).toEqual(["asynq:{default}:g:g:first", "asynq:{default}:g:g:a"]);
    expect((await deleteAggregated(broker, ["default"]))[0]!.value).toEqual({ deleted: 1, more: true });
    expect(await redis.exists("asynq:{default}:t:a", "asynq:{default}:g:g:first")).toBe(0);
    expect(await redis.exists("asynq:{default}:t:b")).toBe(1);
    expect((await deleteAggregated(broker, ["default"]))[0]!.value).toEqual({ deleted: 1, more: false });
  });

  test("deletes large tasks a few at a time, and no task whose id is used again", async ({ broker, aTask, makeSet, redis }) => {
    const payload = new Uint8Array(600_000);
    await enqueue(
      broker,
      ["a", "b", "c", "d"].map((taskId) => aTask({ taskId, group: "g", payload })),
    );
    const set = await makeSet();

    expect((await replaceAggregationSet(broker, set, aTask())).value).toMatchObject({ deleted: 2, more: true });
    await redis.del("asynq:{default}:t:c", "asynq:{default}:t:d");
    await enqueue(broker, [aTask({ taskId: "c" }), aTask({ taskId: "d", group: "another" })]);

    expect((await deleteAggregated(broker, ["default"]))[0]!.value).toEqual({ deleted: 0, more: false });
    expect(await redis.hget("asynq:{default}:t:c", "state")).toBe("pending");
    expect(await redis.hget("asynq:{default}:t:d", "state")).toBe("aggregating");
  });
});
