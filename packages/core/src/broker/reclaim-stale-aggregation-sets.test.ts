import { describe } from "vitest";
import { expect, keyOf, sets, startSec, test } from "../../../../test/support/aggregation-test.ts";
import { aggregationCheck } from "./aggregation-check.ts";
import { enqueue } from "./enqueue.ts";
import { extendAggregationSet } from "./extend-aggregation-set.ts";
import { reclaimStaleAggregationSets } from "./reclaim-stale-aggregation-sets.ts";
import { replaceAggregationSet } from "./replace-aggregation-set.ts";

describe("reclaimStaleAggregationSets", () => {
  test("leaves a set alone until its deadline, then gives its tasks back with the time they came", async ({
    broker,
    aTask,
    makeSet,
    clock,
    keyspace,
  }) => {
    await enqueue(broker, [aTask({ taskId: "a", group: "a:b" })]);
    await enqueue(broker, [aTask({ taskId: "b", group: "g" })]);
    const before = await keyspace();
    const [checked] = await aggregationCheck(broker, "default", ["a:b"], { gracePeriodSec: 60, maxDelaySec: 0, maxSize: 1 });
    expect(checked!.verdict).toBe("set");
    await makeSet();

    await clock.advance(119_000);
    expect(await reclaimStaleAggregationSets(broker, "default")).toMatchObject({ sets: 0 });
    await clock.advance(1_000);
    expect(await reclaimStaleAggregationSets(broker, "default")).toEqual({ sets: 2, reclaimed: 2, dangling: 0, putOff: 0, more: false });

    expect(await keyspace()).toEqual(before);
  });

  test("merges a large set into a group that has tasks in steps; its maker is told from the first one on", async ({
    broker,
    aTask,
    makeSet,
    clock,
    redis,
  }) => {
    const seed = "for i = 1, 1200 do redis.call('ZADD', KEYS[1], ARGV[1] + i, 'task' .. i) end";
    await redis.eval(seed, 1, "asynq:{default}:g:g", startSec - 2_000);
    const set = await makeSet();
    await clock.advance(120_000);
    await enqueue(broker, [aTask({ taskId: "new", group: "g" })]);
    // As after a Go recoverer that gave another set back.
    await redis.srem("asynq:{default}:groups", "g");

    expect(await reclaimStaleAggregationSets(broker, "default")).toMatchObject({ sets: 0, reclaimed: 500, more: true });
    expect(await redis.zscore(sets, keyOf(set))).toBe("0");
    expect(await redis.smembers("asynq:{default}:groups")).toEqual(["g"]);
    expect(await extendAggregationSet(broker, set, startSec + 500)).toBe("set-lost");
    expect((await replaceAggregationSet(broker, set, aTask())).value?.verdict).toBe("set-lost");
    expect(await reclaimStaleAggregationSets(broker, "default")).toMatchObject({ sets: 0, reclaimed: 500, more: true });
    expect(await reclaimStaleAggregationSets(broker, "default")).toMatchObject({ sets: 1, reclaimed: 200, more: false });

    expect(await redis.zcard("asynq:{default}:g:g")).toBe(1_201);
    expect(await redis.zscore("asynq:{default}:g:g", "task1200")).toBe(String(startSec - 800));
    expect(await redis.exists(sets, keyOf(set))).toBe(0);
  });

  test("gives a set of any size back at once where its group is empty", async ({ broker, makeSet, clock, redis }) => {
    const seed = "for i = 1, 1200 do redis.call('ZADD', KEYS[1], i, i) end";
    await redis.eval(seed, 1, "asynq:{default}:g:g");
    const set = await makeSet();
    await clock.advance(120_000);

    expect(await reclaimStaleAggregationSets(broker, "default")).toMatchObject({ sets: 1, reclaimed: 1_200, more: false });

    expect(await redis.zcard("asynq:{default}:g:g")).toBe(1_200);
    expect(await redis.exists(keyOf(set))).toBe(0);
  });

  test.for([
    [500, { sets: 1, reclaimed: 500, more: true }],
    [499, { sets: 1, reclaimed: 500, more: true }],
    [498, { sets: 2, reclaimed: 500, more: false }],
  ] as const)(
    "of a set of %i tasks and one of two behind it, it moves 500 tasks, the oldest of a set first",
    async ([size, report], { broker, redis }) => {
      const seed = "for i = 1, ARGV[1] do redis.call('ZADD', KEYS[1], i, KEYS[1] .. i) end";
      for (const [i, [group, tasks]] of [["one", size] as const, ["two", 2] as const].entries()) {
        await redis.eval(seed, 1, `asynq:{default}:g:${group}:id`, tasks);
        await redis.zadd(`asynq:{default}:g:${group}`, 1, "there");
        await redis.zadd(sets, i + 1, `asynq:{default}:g:${group}:id`);
      }

      expect(await reclaimStaleAggregationSets(broker, "default")).toMatchObject(report);

      expect(await redis.zcard("asynq:{default}:g:one:id")).toBe(0);
      const moved = 500 - size;
      expect(await redis.zrange("asynq:{default}:g:two:id", "0", "-1")).toEqual(
        ["asynq:{default}:g:two:id1", "asynq:{default}:g:two:id2"].slice(moved),
      );
    },
  );

  test("looks at ten sets at most, and leaves no record of a call that found none", async ({ broker, redis }) => {
    await reclaimStaleAggregationSets(broker, "default");
    expect(await redis.keys("asynq:{default}:js:call:*")).toHaveLength(0);
    for (let i = 0; i < 11; i++) {
      await redis.zadd(sets, 1, `asynq:{default}:g:g${i}:id`);
      await redis.zadd(`asynq:{default}:g:g${i}:id`, 1, "a");
    }

    expect(await reclaimStaleAggregationSets(broker, "default")).toMatchObject({ sets: 10, more: true });
    expect(await reclaimStaleAggregationSets(broker, "default")).toMatchObject({ sets: 1, more: false });
  });

  test("takes no other sorted set for one that is to be given back", async ({ broker, redis }) => {
    const strange = "asynq:{default}:retry:x:y";
    await redis.zadd(strange, 1, "a");
    await redis.zadd(sets, 1, strange);

    expect(await reclaimStaleAggregationSets(broker, "default")).toMatchObject({ sets: 0, dangling: 1 });

    expect(await redis.zrange(strange, "0", "-1")).toEqual(["a"]);
    expect(await redis.exists(sets)).toBe(0);
  });

  test("drops what is no set, puts off what it cannot give back, and serves the others", async ({
    broker,
    aTask,
    makeSet,
    clock,
    redis,
  }) => {
    await enqueue(broker, [aTask({ taskId: "a", group: "g" })]);
    await makeSet();
    await redis.zadd(sets, 1, "asynq:{default}:g:gone:some-id", 2, "nonsense", 3, "asynq:{default}:g:bad:some-id");
    await redis.zadd("asynq:{default}:g:bad:some-id", 1, "b");
    await redis.set("asynq:{default}:g:bad", "in the way");
    await clock.advance(120_000);

    expect(await reclaimStaleAggregationSets(broker, "default")).toEqual({
      ...{ sets: 1, reclaimed: 1, dangling: 2, putOff: 1, more: false },
      nextSec: startSec + 240,
    });

    expect(await redis.zrange(sets, "0", "-1", "WITHSCORES")).toEqual(["asynq:{default}:g:bad:some-id", String(startSec + 240)]);
    expect(await redis.zrange("asynq:{default}:g:bad:some-id", "0", "-1")).toEqual(["b"]);
  });
});
