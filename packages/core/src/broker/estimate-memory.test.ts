import { describe } from "vitest";
import { expect, test } from "../../../../test/support/broker-test.ts";
import { enqueue } from "./enqueue.ts";
import { estimateMemory } from "./estimate-memory.ts";

const kibibyte = "x".repeat(1024);

describe("estimateMemory", () => {
  test("is close to what equal tasks take, in lists, sets and groups", async ({ broker, aTask }) => {
    const many = Array.from({ length: 100 }, (_, i) => i);
    await enqueue(broker, [
      ...many.map((i) => aTask({ taskId: `p${i}`, payload: kibibyte, queue: "listed" })),
      ...many.map((i) => aTask({ taskId: `s${i}`, payload: kibibyte, queue: "waiting", processInSec: 60 })),
      ...many.map((i) => aTask({ taskId: `g${i}`, payload: kibibyte, queue: "grouped", group: `group-${i % 10}` })),
    ]);

    for (const { value } of await estimateMemory(broker, ["listed", "waiting", "grouped"])) {
      expect(value! / 100).toBeGreaterThan(1024);
      expect(value! / 100).toBeLessThan(2 * 1024);
    }
    expect(await estimateMemory(broker, ["none"])).toEqual([{ value: 0 }]);
  });

  test("is of each container its own memory and, by the first twenty, that of its tasks; of five groups that of all", async ({
    broker,
    redis,
  }) => {
    const usage = async (...keys: string[]): Promise<number[]> =>
      Promise.all(keys.map(async (key) => (await redis.memory("USAGE", key)) ?? 0));
    const sum = (bytes: readonly number[]): number => bytes.reduce((total, some) => total + some, 0);
    /** Tasks of sizes that grow, so that it matters which are looked at. */
    const seed = async (name: string, count: number, put: (id: string, i: number) => Promise<unknown>): Promise<string[]> => {
      const ids = Array.from({ length: count }, (_, i) => `${name}${i}`);
      for (const [i, id] of ids.entries()) {
        await redis.hset(`asynq:{default}:t:${id}`, "msg", "x".repeat(100 * (i + 1)));
        await put(id, i);
      }
      return ids.map((id) => `asynq:{default}:t:${id}`);
    };
    let expected = 0;
    for (const state of ["active", "pending"]) {
      const key = `asynq:{default}:${state}`;
      const tasks = await seed(state, 22, (id) => redis.rpush(key, id));
      expected += sum(await usage(key)) + (sum(await usage(...tasks.slice(0, 20))) / 20) * 22;
    }
    for (const state of ["scheduled", "retry", "archived", "completed"]) {
      const key = `asynq:{default}:${state}`;
      const tasks = await seed(state, 22, (id, i) => redis.zadd(key, i, id));
      expected += sum(await usage(key)) + (sum(await usage(...tasks.slice(0, 20))) / 20) * 22;
    }
    expect((await estimateMemory(broker, ["default"]))[0]!.value).toBe(Math.floor(expected));

    await redis.sadd("asynq:{default}:groups", "one");
    const tasks = await seed("one", 22, (id, i) => redis.zadd("asynq:{default}:g:one", i, id));
    expected += sum(await usage("asynq:{default}:groups", "asynq:{default}:g:one")) + (sum(await usage(...tasks.slice(0, 20))) / 20) * 22;
    expect((await estimateMemory(broker, ["default"]))[0]!.value).toBe(Math.floor(expected));
  });

  test("leaves tasks that are gone out of the average, where Asynq fails", async ({ broker, aTask, redis }) => {
    await enqueue(
      broker,
      Array.from({ length: 10 }, (_, i) => aTask({ taskId: `t${i}`, payload: kibibyte, group: "g" })),
    );
    const [whole] = await estimateMemory(broker, ["default"]);
    await redis.del(...Array.from({ length: 9 }, (_, i) => `asynq:{default}:t:t${i}`));

    const [holed] = await estimateMemory(broker, ["default"]);
    expect(Math.abs(holed!.value! - whole!.value!)).toBeLessThan(64);

    await redis.del("asynq:{default}:t:t9");
    const own = (await redis.memory("USAGE", "asynq:{default}:groups"))! + (await redis.memory("USAGE", "asynq:{default}:g:g"))!;
    expect((await estimateMemory(broker, ["default"]))[0]!.value).toBe(own);
  });
});
