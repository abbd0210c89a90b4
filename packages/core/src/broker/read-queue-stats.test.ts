import { describe } from "vitest";
import { expect, startNs, startSec, test } from "../../../../test/support/broker-test.ts";
import { dequeue } from "./dequeue.ts";
import { enqueue } from "./enqueue.ts";
import { listQueues } from "./list-queues.ts";
import { readQueueStats } from "./read-queue-stats.ts";

const empty = {
  size: 0,
  pending: 0,
  active: 0,
  scheduled: 0,
  retry: 0,
  archived: 0,
  completed: 0,
  aggregating: 0,
  groups: 0,
  quarantined: 0,
  leases: 0,
  processed: 0,
  failed: 0,
  processedTotal: 0,
  failedTotal: 0,
  paused: false,
  latencyMs: 0,
};

describe("readQueueStats", () => {
  test("counts every state, the day and the total, several queues at once", async ({ broker, aTask, clock, redis }) => {
    await enqueue(broker, [
      ...["a", "b", "c"].map((taskId) => aTask({ taskId })),
      aTask({ taskId: "later", processInSec: 60 }),
      aTask({ taskId: "g1", group: "red" }),
      aTask({ taskId: "g2", group: "red" }),
      aTask({ taskId: "g3", group: "blue" }),
      aTask({ taskId: "other", queue: "low" }),
    ]);
    await dequeue(broker, ["default"], 1);
    await redis.zadd("asynq:{default}:retry", startSec, "r");
    await redis.zadd("asynq:{default}:archived", startSec, "x", startSec, "y");
    await redis.zadd("asynq:{default}:completed", startSec, "d");
    await redis.zadd("asynq:{default}:js:quarantine", startSec, "q");
    await redis.set("asynq:{default}:processed:2040-01-02", "7");
    await redis.set("asynq:{default}:failed:2040-01-02", "2");
    await redis.set("asynq:{default}:processed", "9000000001");
    await redis.set("asynq:{default}:failed", "4");
    await redis.set("asynq:{low}:paused", startSec);
    await clock.advance(1_500);

    expect(await readQueueStats(broker, ["default", "low", "none"])).toEqual([
      {
        value: {
          ...empty,
          queue: "default",
          size: 11,
          pending: 2,
          active: 1,
          leases: 1,
          scheduled: 1,
          retry: 1,
          archived: 2,
          completed: 1,
          quarantined: 1,
          aggregating: 3,
          groups: 2,
          processed: 7,
          failed: 2,
          processedTotal: 9_000_000_001,
          failedTotal: 4,
          latencyMs: 1_500,
        },
      },
      { value: { ...empty, queue: "low", size: 1, pending: 1, paused: true, latencyMs: 1_500 } },
      { value: { ...empty, queue: "none" } },
    ]);
    expect(await listQueues(broker)).toEqual(["default", "low"]);
  });

  test("counts what waits in more groups than one call may look at", async ({ broker, redis }) => {
    const groups = Array.from({ length: 1_500 }, (_, i) => `g${i}`);
    await redis.sadd("asynq:{default}:groups", ...groups);
    await Promise.all(groups.map((group) => redis.zadd(`asynq:{default}:g:${group}`, startSec, "a", startSec, "b")));

    const [{ value } = {}] = await readQueueStats(broker, ["default"]);

    expect(value).toMatchObject({ groups: 1_500, aggregating: 3_000, size: 3_000 });
  });

  test("counts what waits in a thousand groups in one call, and in more of them in several", async ({ broker, redis, port }) => {
    await redis.sadd("asynq:{default}:groups", ...Array.from({ length: 1_000 }, (_, i) => `g${i}`));
    await redis.zadd("asynq:{default}:g:g7", startSec, "a");
    await readQueueStats(broker, ["default"]);
    const requests = async (): Promise<number> => {
      const before = port.sent.length;
      expect((await readQueueStats(broker, ["default"]))[0]!.value).toMatchObject({ aggregating: 1 });
      return port.sent.length - before;
    };

    expect(await requests()).toBe(1);
    await redis.sadd("asynq:{default}:groups", "one more");
    expect(await requests()).toBeGreaterThan(1);
  });

  test("takes a pending task without an age, as Go's requeue leaves it, for one that just came", async ({ broker, redis, seedPending }) => {
    await seedPending("a");
    expect(await redis.hget("asynq:{default}:t:a", "pending_since")).toBe(startNs);
    await redis.hdel("asynq:{default}:t:a", "pending_since");

    expect((await readQueueStats(broker, ["default"]))[0]!.value).toMatchObject({ pending: 1, latencyMs: 0 });
  });

  test("answers the refusal of a broken queue as its own", async ({ broker, redis, seedPending }) => {
    await seedPending("a");
    await redis.set("asynq:{low}:pending", "x");

    const [low, fine] = await readQueueStats(broker, ["low", "default"]);

    expect(low!.error).toMatchObject({ reply: "WRONGTYPE" });
    expect(fine!.value).toMatchObject({ pending: 1 });
  });
});
