import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { makeBroker } from "../broker.ts";
import { seededRandom } from "../testing/manual-clock.ts";
import { aggregationCheck, type CheckedGroup, type GroupPolicy } from "./aggregation-check.ts";
import { enqueue } from "./enqueue.ts";

const quiet: GroupPolicy = { gracePeriodSec: 60, maxDelaySec: 0, maxSize: 0 };

describe("aggregationCheck", () => {
  test("makes a set of a group to which nothing was added for the grace period, as Asynq lays it out", async ({
    broker,
    aTask,
    clock,
    keyspace,
  }) => {
    await enqueue(broker, [aTask({ taskId: "a", group: "g" })]);
    await clock.advance(30_000);
    await enqueue(broker, [aTask({ taskId: "b", group: "g" })]);

    await clock.advance(59_000);
    expect(await aggregationCheck(broker, "default", ["g"], quiet)).toEqual([{ group: "g", verdict: "wait", set: undefined }]);
    await clock.advance(1_000);
    const [checked] = await aggregationCheck(broker, "default", ["g"], quiet);

    expect(checked).toMatchObject({ verdict: "set", set: { queue: "default", group: "g" } });
    const setId = checked!.set!.setId;
    expect(setId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const task = { msg: expect.any(String), state: "aggregating", group: "g" };
    expect(await keyspace()).toEqual({
      "asynq:queues": ["default"],
      [`asynq:{default}:g:g:${setId}`]: { a: String(startSec), b: String(startSec + 30) },
      "asynq:{default}:aggregation_sets": { [`asynq:{default}:g:g:${setId}`]: String(startSec + 90 + 120) },
      "asynq:{default}:t:a": task,
      "asynq:{default}:t:b": task,
    });
  });

  test("makes one when the oldest task has waited for the delay, however busy the group", async ({ broker, aTask, clock }) => {
    await enqueue(broker, [aTask({ group: "g" })]);
    await clock.advance(99_000);
    await enqueue(broker, [aTask({ group: "g" })]);
    const policy = { ...quiet, maxDelaySec: 100.9 };

    expect(await aggregationCheck(broker, "default", ["g"], policy)).toMatchObject([{ verdict: "wait" }]);
    await clock.advance(1_000);

    expect(await aggregationCheck(broker, "default", ["g"], policy)).toMatchObject([{ verdict: "set" }]);
  });

  test("cuts sets of the greatest size, the oldest first, and keeps the name in the index while tasks are left", async ({
    broker,
    aTask,
    clock,
    redis,
  }) => {
    for (const ids of [["c"], ["a", "b"], ["d"]]) {
      await enqueue(
        broker,
        ids.map((taskId) => aTask({ taskId, group: "g" })),
      );
      await clock.advance(1_000);
    }
    const policy = { ...quiet, maxSize: 2 };
    expect(await aggregationCheck(broker, "default", ["g"], { ...quiet, maxSize: 5 })).toMatchObject([{ verdict: "wait" }]);

    const [first] = await aggregationCheck(broker, "default", ["g"], policy);
    expect(first!.verdict).toBe("cut");
    expect(await redis.zrange(`asynq:{default}:g:g:${first!.set!.setId}`, "0", "-1")).toEqual(["c", "a"]);
    expect(await redis.smembers("asynq:{default}:groups")).toEqual(["g"]);

    const [second] = await aggregationCheck(broker, "default", ["g"], policy);
    expect(second!.verdict).toBe("set");
    expect(await redis.zrange(`asynq:{default}:g:g:${second!.set!.setId}`, "0", "-1")).toEqual(["b", "d"]);
    expect(await redis.smembers("asynq:{default}:groups")).toEqual([]);
  });

  test("makes no more sets than asked for, and takes the name of an empty group out of the index", async ({
    broker,
    aTask,
    clock,
    redis,
  }) => {
    await enqueue(
      broker,
      ["one", "two", "three"].map((group) => aTask({ group })),
    );
    await redis.sadd("asynq:{default}:groups", "empty");
    await clock.advance(60_000);

    const checked = await aggregationCheck(broker, "default", ["empty", "one", "two", "three"], { ...quiet, maxSets: 2 });

    expect(checked.map(({ verdict }) => verdict)).toEqual(["empty", "set", "set", "due"]);
    expect(await redis.smembers("asynq:{default}:groups")).toEqual(["three"]);
    expect(await redis.zcard("asynq:{default}:aggregation_sets")).toBe(2);
  });

  test("makes no set under a name that is taken", async ({ broker, port, clock, aTask, redis }) => {
    await enqueue(broker, [aTask({ taskId: "a", group: "g" })]);
    const sameChance = () => makeBroker({ redis: port, clock, random: seededRandom(7) });
    const [{ set }] = (await aggregationCheck(sameChance(), "default", ["g"], { ...quiet, maxSize: 1 })) as [CheckedGroup];
    await redis.keys("asynq:{default}:js:call:*").then((records) => redis.del(...records));
    await enqueue(broker, [aTask({ taskId: "b", group: "g" })]);

    expect(await aggregationCheck(sameChance(), "default", ["g"], { ...quiet, maxSize: 1 })).toMatchObject([{ verdict: "broken" }]);

    expect(await redis.zrange(`asynq:{default}:g:g:${set!.setId}`, "0", "-1")).toEqual(["a"]);
    expect(await redis.zrange("asynq:{default}:g:g", "0", "-1")).toEqual(["b"]);
  });

  test("leaves a record of its call only where it wrote something", async ({ broker, aTask, redis }) => {
    const records = (): Promise<string[]> => redis.keys("asynq:{default}:js:call:*");
    await enqueue(broker, [aTask({ group: "waits" }), aTask({ group: "full" })]);
    await redis.del(...(await records()));

    await aggregationCheck(broker, "default", ["waits", "not there"], quiet);
    expect(await records()).toHaveLength(0);

    await redis.sadd("asynq:{default}:groups", "empty");
    await aggregationCheck(broker, "default", ["empty", "waits"], quiet);
    expect(await records()).toHaveLength(1);

    await redis.del(...(await records()));
    await aggregationCheck(broker, "default", ["full", "not there"], { ...quiet, maxSize: 1 });
    expect(await records()).toHaveLength(1);
  });

  test("leaves a group alone whose key is of the wrong type, and serves the others", async ({ broker, aTask, clock, redis }) => {
    await redis.set("asynq:{default}:g:bad", "in the way");
    await enqueue(broker, [aTask({ group: "good" })]);
    await clock.advance(60_000);

    const checked = await aggregationCheck(broker, "default", ["bad", "good"], quiet);

    expect(checked.map(({ verdict }) => verdict)).toEqual(["broken", "set"]);
  });

  test("refuses with nothing moved where the registry is of the wrong type", async ({ broker, aTask, clock, redis, keyspace }) => {
    await enqueue(broker, [aTask({ group: "g" })]);
    await redis.set("asynq:{default}:aggregation_sets", "in the way");
    await clock.advance(60_000);
    const before = await keyspace();

    await expect(aggregationCheck(broker, "default", ["g"], quiet)).rejects.toMatchObject({ reply: "WRONGTYPE" });

    expect(await keyspace()).toEqual(before);
  });

  test("a replay answers the same set and makes no other", async ({ broker, other, aTask, clock, port, redis }) => {
    await enqueue(broker, [aTask({ group: "g" })]);
    await clock.advance(60_000);
    await aggregationCheck(broker, "default", ["g"], quiet);
    const request = port.sent.at(-1)!;
    await enqueue(other, [aTask({ group: "g" })]);
    await clock.advance(60_000);

    const [answer] = await port.send(request);

    expect(Buffer.from(answer!.reply as Uint8Array).toString()).toBe("s");
    expect(await redis.zcard("asynq:{default}:aggregation_sets")).toBe(1);
    expect(await redis.zcard("asynq:{default}:g:g")).toBe(1);
  });

  test("makes a set of any size of a whole group, and copies at most 10,000 out of a larger one", async ({ broker, redis }) => {
    const seed = "for i = 1, 30000 do redis.call('ZADD', KEYS[1], ARGV[1] + i, 'task' .. i) end";
    for (const group of ["whole", "larger"]) await redis.eval(seed, 1, `asynq:{default}:g:${group}`, startSec - 40_000);

    const [whole] = await aggregationCheck(broker, "default", ["whole"], quiet);
    const [larger] = await aggregationCheck(broker, "default", ["larger"], { ...quiet, maxSize: 20_000 });

    expect(await redis.zcard(`asynq:{default}:g:whole:${whole!.set!.setId}`)).toBe(30_000);
    expect(await redis.zcard(`asynq:{default}:g:larger:${larger!.set!.setId}`)).toBe(10_000);
    expect(await redis.zrange("asynq:{default}:g:larger", "0", "0")).toEqual(["task10001"]);
  });
});
