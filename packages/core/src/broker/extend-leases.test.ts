import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { dequeue } from "./dequeue.ts";
import { enqueue } from "./enqueue.ts";
import { extendLeases } from "./extend-leases.ts";

describe("extendLeases", () => {
  test("moves the second on and keeps the token, so that the owner still owns it", async ({ broker, seedPending, redis }) => {
    await seedPending("a");
    const [a] = (await dequeue(broker, ["default"], 1)).tasks;

    for (const untilSec of [startSec + 35, startSec + 40, startSec + 4_000_000]) {
      expect(await extendLeases(broker, [a!], untilSec)).toEqual([{ verdict: "extended" }]);
      expect(Number(await redis.zscore("asynq:{default}:lease", "a"))).toBe(untilSec + a!.token / 2 ** 20);
    }
  });

  test("never makes a lease shorter", async ({ broker, seedPending, redis }) => {
    await seedPending("a");
    const [a] = (await dequeue(broker, ["default"], 1)).tasks;
    const before = await redis.zscore("asynq:{default}:lease", "a");

    expect(await extendLeases(broker, [a!], startSec + 10)).toEqual([{ verdict: "extended" }]);
    expect(await redis.zscore("asynq:{default}:lease", "a")).toBe(before);
  });

  test("says which leases are lost, creates none, and extends the rest", async ({ broker, seedPending, redis }) => {
    await seedPending("mine", "gone", "go");
    const { tasks } = await dequeue(broker, ["default"], 3);
    await redis.zrem("asynq:{default}:lease", "gone");
    await redis.zadd("asynq:{default}:lease", startSec + 30, "go");

    expect(await extendLeases(broker, tasks, startSec + 60)).toEqual([
      { verdict: "extended" },
      { verdict: "lease-lost" },
      { verdict: "lease-lost" },
    ]);
    expect(await redis.zscore("asynq:{default}:lease", "gone")).toBeNull();
    expect(await redis.zscore("asynq:{default}:lease", "go")).toBe(String(startSec + 30));
  });

  test("extends any number of leases, 100 a call, with results in order", async ({ broker, aTask, port, redis }) => {
    await enqueue(
      broker,
      Array.from({ length: 150 }, (_, i) => aTask({ taskId: `t${i}` })),
    );
    const held = [...(await dequeue(broker, ["default"], 100)).tasks, ...(await dequeue(broker, ["default"], 100)).tasks];
    await redis.zrem("asynq:{default}:lease", "t120");

    const results = await extendLeases(broker, held, startSec + 60);

    expect(results.map(({ verdict }) => verdict)).toEqual(held.map(({ id }) => (id === "t120" ? "lease-lost" : "extended")));
    expect(port.sent.at(-1)).toHaveLength(2);
  });
});
