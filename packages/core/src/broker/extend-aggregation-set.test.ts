import { describe } from "vitest";
import { expect, keyOf, sets, startSec, test } from "../../../../test/support/aggregation-test.ts";
import { enqueue } from "./enqueue.ts";
import { extendAggregationSet } from "./extend-aggregation-set.ts";

describe("extendAggregationSet", () => {
  test("moves a deadline onward, never back", async ({ broker, aTask, makeSet, redis }) => {
    await enqueue(broker, [aTask({ group: "g" })]);
    const set = await makeSet();

    expect(await extendAggregationSet(broker, set, startSec + 500)).toBe("extended");
    expect(await extendAggregationSet(broker, set, startSec + 400)).toBe("extended");

    expect(await redis.zscore(sets, keyOf(set))).toBe(String(startSec + 500));
  });

  test("is the maker's until its deadline is 0, however long that has passed", async ({ broker, aTask, makeSet, redis }) => {
    await enqueue(broker, [aTask({ group: "g" })]);
    const set = await makeSet();

    await redis.zadd(sets, 1, keyOf(set));
    expect(await extendAggregationSet(broker, set, 2)).toBe("extended");
    await redis.zadd(sets, 0, keyOf(set));
    expect(await extendAggregationSet(broker, set, 2)).toBe("set-lost");
  });

  test("says that a set is lost, and registers it not again", async ({ broker, aTask, makeSet, redis }) => {
    await enqueue(broker, [aTask({ group: "g" })]);
    const set = await makeSet();
    await redis.del(sets);

    expect(await extendAggregationSet(broker, set, startSec + 500)).toBe("set-lost");

    expect(await redis.exists(sets)).toBe(0);
  });
});
