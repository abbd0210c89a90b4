/**
 * The ways in which Asynq's own scripts lose or strand a task, each closed here. They start from what real Go Asynq left in Redis. I, keys
 * of the wrong kind, is in `wrong-kinds.test.ts`; J, a full Redis, in `full-redis.test.ts`; K, an evicting one, in
 * `evicting-redis.test.ts`; what Go leaves by each, put right, in `ticks/go-leftovers.test.ts`.
 */
import type { Redis } from "ioredis";
import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { restoreGoState } from "../../../../test/support/go-state.ts";
import { Task } from "../task.ts";
import { aggregate } from "../ticks/aggregate.ts";
import { janitor } from "../ticks/janitor.ts";
import { recover } from "../ticks/recover.ts";
import { repair } from "../ticks/repair.ts";
import { patchTaskMessage } from "../wire/patch-task-message.ts";
import { aggregationCheck } from "./aggregation-check.ts";
import { dequeue } from "./dequeue.ts";
import { enqueue } from "./enqueue.ts";
import { listGroups } from "./list-groups.ts";
import { reclaimStaleAggregationSets } from "./reclaim-stale-aggregation-sets.ts";
import { settle, type TaskOutcome } from "./settle.ts";

describe("holes of Asynq's scripts", () => {
  test("hole A: settling a task whose lease entry is missing moves nothing, so the task is not lost", async ({
    broker,
    keyspace,
    redis,
  }) => {
    await restoreGoState(redis, "pending");
    const [a] = (await dequeue(broker, ["default"], 1)).tasks;
    await redis.zrem("asynq:{default}:lease", "a");
    const before = await keyspace();

    for (const outcome of everyOutcome(a!.msg, { token: a!.token }))
      expect((await settle(broker, [outcome])).results).toEqual([{ verdict: "lease-lost" }]);

    expect(await keyspace()).toEqual(before);
    expect(before["asynq:{default}:active"]).toEqual(["a"]);
  });

  test("hole A: nor does a recoverer that read the lease of a Go worker before it went missing", async ({ broker, keyspace, redis }) => {
    await restoreGoState(redis, "active");
    const score = (await redis.zscore("asynq:{default}:lease", "a"))!;
    const msg = (await redis.hgetBuffer("asynq:{default}:t:a", "msg"))!;
    await redis.zrem("asynq:{default}:lease", "a");
    const before = await keyspace();

    for (const outcome of everyOutcome(msg, { expiredScore: score }))
      expect((await settle(broker, [outcome], { cutoffSec: startSec })).results).toEqual([{ verdict: "lease-lost" }]);

    expect(await keyspace()).toEqual(before);
    expect(before["asynq:{default}:active"]).toEqual(["a"]);
  });

  test("hole B: an id without a hash is dropped by the dequeue, leaves no ghost, blocks no id, and hides no task behind it", async ({
    broker,
    aTask,
    redis,
    keyspace,
  }) => {
    await restoreGoState(redis, "pending");
    await redis.del("asynq:{default}:t:a");
    await redis.hdel("asynq:{default}:t:b", "msg");

    const report = await dequeue(broker, ["default"], 1);

    expect(report).toMatchObject({ tasks: [{ id: "c" }], dangling: 2 });
    expect(Object.keys(await keyspace()).filter((key) => key.includes(":t:"))).toEqual(["asynq:{default}:t:c"]);
    expect(await enqueue(broker, [aTask({ taskId: "a" }), aTask({ taskId: "b" })])).toEqual([
      { verdict: "enqueued" },
      { verdict: "enqueued" },
    ]);
  });

  test("hole B: what a Go worker makes of such an id, a ghost that is active for ever, our recoverer takes away", async ({
    broker,
    aTask,
    redis,
    keyspace,
  }) => {
    await restoreGoState(redis, "dangling");
    expect(await enqueue(broker, [aTask({ taskId: "gone" })])).toEqual([{ verdict: "task-id-conflict" }]);

    expect(await recover(broker, { queues: ["default"] })).toMatchObject({ dangling: 1, recovered: 0, quarantined: 0 });

    expect(Object.keys(await keyspace())).toEqual(["asynq:queues"]);
    expect(await enqueue(broker, [aTask({ taskId: "gone" })])).toEqual([{ verdict: "enqueued" }]);
  });

  test("hole C: a unique task refused for its id leaves no lock behind", async ({ broker, aTask, keyspace, redis }) => {
    await restoreGoState(redis, "pending");
    const before = await keyspace();

    const refused = await enqueue(broker, [
      aTask({ taskId: "a", uniqueTtlSec: 3600 }),
      aTask({ taskId: "a", uniqueTtlSec: 3600, processInSec: 60 }),
      aTask({ taskId: "a", uniqueTtlSec: 3600, group: "g" }),
    ]);

    expect(refused.map(({ verdict }) => verdict)).toEqual(["task-id-conflict", "task-id-conflict", "task-id-conflict"]);
    expect(await keyspace()).toEqual(before);
  });

  for (const expired of [7_999, 8_001, 20_000]) {
    test(`hole D: archives although ${expired} archived tasks have expired, and trims them a thousand at a time`, async ({
      broker,
      redis,
    }) => {
      await restoreGoState(redis, "pending");
      const [a] = (await dequeue(broker, ["default"], 1)).tasks;
      await seedArchived(redis, expired, startSec - 91 * 24 * 3600);
      const failed = Number(await redis.get("asynq:{default}:failed"));
      const waiting = 2;

      const report = await settle(broker, [
        { queue: "default", id: "a", fence: { token: a!.token }, to: "archived", msg: patchTaskMessage(a!.msg, {}) },
      ]);

      // At most a thousand for their age and a thousand for their number.
      const trimmed = expired + 1 > 9_999 ? 2_000 : 1_000;
      expect(report).toEqual({ results: [{ verdict: "settled" }], trimmed });
      expect(await redis.hget("asynq:{default}:t:a", "state")).toBe("archived");
      expect(await redis.zscore("asynq:{default}:archived", "a")).toBe(String(startSec));
      expect(await redis.zcard("asynq:{default}:archived")).toBe(expired + 1 - trimmed);
      expect(await redis.keys("asynq:{default}:t:*")).toHaveLength(waiting + expired + 1 - trimmed);
      expect(await redis.get("asynq:{default}:failed")).toBe(String(failed + 1));
    });
  }

  test("hole D: keeps the newest 9,999 and never trims the very task it archives, whatever its id", async ({ broker, redis }) => {
    await restoreGoState(redis, "pending");
    const [task] = (await dequeue(broker, ["default"], 1)).tasks;
    await seedArchived(redis, 10_000, startSec);
    const lock = (await redis.hget("asynq:{default}:t:z", "unique_key"))!;
    expect(await redis.get(lock)).toBe("z");

    const report = await settle(broker, [
      { queue: "default", id: task!.id, fence: { token: task!.token }, to: "archived", msg: patchTaskMessage(task!.msg, {}) },
    ]);

    expect(report).toEqual({ results: [{ verdict: "settled" }], trimmed: 1 });
    // Its id sorts first of all.
    expect(await redis.zscore("asynq:{default}:archived", "a")).toBe(String(startSec));
    expect(await redis.hget("asynq:{default}:t:a", "state")).toBe("archived");
    // The oldest went, and gave back the lock it held.
    expect(await redis.exists("asynq:{default}:t:z", lock)).toBe(0);
  });

  test("hole H: the archive is trimmed with the hashes of what goes, 51 of 10,050, the oldest", async ({ broker, redis }) => {
    await seedArchived(redis, 10_050, startSec);
    const ids = await redis.zrange("asynq:{default}:archived", "0", "-1");

    expect(await janitor(broker, { queues: ["default"] })).toMatchObject({ trimmed: 51, more: false });

    expect(await redis.zrange("asynq:{default}:archived", "0", "-1")).toEqual(ids.slice(51));
    expect((await redis.keys("asynq:{default}:t:*")).sort()).toEqual(
      ids
        .slice(51)
        .map((id) => `asynq:{default}:t:${id}`)
        .sort(),
    );
  });

  test("hole E: a set that a killed Go aggregator left goes back to its group and the group's name to the index, so it is aggregated", async ({
    broker,
    redis,
  }) => {
    await restoreGoState(redis, "aggregating");
    expect(await listGroups(broker, "default")).toEqual({ groups: [], cursor: undefined });

    expect(await reclaimStaleAggregationSets(broker, "default")).toMatchObject({ sets: 1, reclaimed: 3 });

    const { groups } = await listGroups(broker, "default");
    expect(groups).toEqual(["hang"]);
    expect(await redis.zrange("asynq:{default}:g:hang", "0", "-1")).toEqual(["a", "b", "c"]);
    const policy = { gracePeriodSec: 60, maxDelaySec: 0, maxSize: 0 };
    expect(await aggregationCheck(broker, "default", groups, policy)).toMatchObject([{ verdict: "set" }]);
  });

  test("hole E: a group that Go's recoverer gave back without its name our repair puts into the index", async ({ broker, redis }) => {
    await restoreGoState(redis, "reclaimed");
    expect(await listGroups(broker, "default")).toEqual({ groups: [], cursor: undefined });

    await repair(broker, { queues: ["default"], sweep: true });

    expect(await listGroups(broker, "default")).toEqual({ groups: ["hang"], cursor: undefined });
  });

  test("hole G: one missing hash in a set is dropped and counted, and the rest is aggregated", async ({ broker, redis }) => {
    await restoreGoState(redis, "aggregating");
    await redis.del("asynq:{default}:t:b");
    await reclaimStaleAggregationSets(broker, "default");
    const given: string[] = [];

    const report = await aggregate(broker, {
      queues: ["default"],
      aggregator: (_, tasks) => {
        given.push(...tasks.map((task) => task.text()));
        return new Task("digest", "", { taskId: "sum" });
      },
    });

    expect(report).toMatchObject({ sets: 1, aggregated: 2, dangling: 1, errors: [] });
    expect(given).toEqual(["a", "c"]);
    expect((await redis.keys("asynq:{default}:*")).filter((key) => !key.includes(":js:call:")).sort()).toEqual([
      "asynq:{default}:pending",
      "asynq:{default}:t:sum",
    ]);
  });

  test("hole F: a worker that stalled past its lease cannot touch the task another runs by now", async ({
    broker,
    other,
    clock,
    keyspace,
    redis,
  }) => {
    await restoreGoState(redis, "pending");
    const [stalled] = (await dequeue(broker, ["default"], 1)).tasks;
    await clock.advance(61_000);
    // Recovered, by Go or by us, and taken by another worker.
    await redis.lrem("asynq:{default}:active", 0, "a");
    await redis.zrem("asynq:{default}:lease", "a");
    await redis.rpush("asynq:{default}:pending", "a");
    const [running] = (await dequeue(other, ["default"], 1)).tasks;
    const before = await keyspace();

    const late = await settle(broker, [
      {
        queue: "default",
        id: "a",
        fence: { token: stalled!.token },
        to: "retry",
        msg: patchTaskMessage(stalled!.msg, { retried: 1 }),
        retryAtSec: startSec,
        isFailure: true,
      },
    ]);

    expect(late.results).toEqual([{ verdict: "lease-lost" }]);
    expect(await keyspace()).toEqual(before);
    expect((await settle(other, [{ queue: "default", id: "a", fence: { token: running!.token }, to: "done" }])).results).toEqual([
      { verdict: "settled" },
    ]);
  });
});

/** Each thing that may become of an active task `a`. */
function everyOutcome(stored: Uint8Array, fence: TaskOutcome["fence"]): TaskOutcome[] {
  const msg = patchTaskMessage(stored, { retried: 1 });
  return (
    [
      { to: "done" },
      { to: "completed", msg, expireAtSec: startSec + 1 },
      { to: "retry", msg, retryAtSec: startSec, isFailure: true },
      { to: "archived", msg },
      { to: "requeued" },
      { to: "quarantined", why: "x" },
    ] as const
  ).map((outcome) => ({ queue: "default", id: "a", fence, ...outcome }));
}

/** The archived task `z` of Go, and copies of it without its lock, whose ids sort after it: `count` in all, archived at a second. */
async function seedArchived(redis: Redis, count: number, archivedAtSec: number): Promise<void> {
  await restoreGoState(redis, "archived");
  const { unique_key: _, ...copy } = await redis.hgetallBuffer("asynq:{default}:t:z");
  const pipeline = redis.pipeline();
  pipeline.zadd("asynq:{default}:archived", archivedAtSec, "z");
  for (let i = 1; i < count; i++) {
    pipeline.zadd("asynq:{default}:archived", archivedAtSec, `z${i}`);
    pipeline.hset(`asynq:{default}:t:z${i}`, copy);
  }
  await pipeline.exec();
}
