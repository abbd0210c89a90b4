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
    expect((await estimateMemory(broker, ["default"]))[0]!.value).toBeLessThan(2048);
  });
});
