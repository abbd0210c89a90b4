import { leaseScore } from "@asynqjs/core";
import { describe, expect, startSec, test, until } from "../../../test/support/server-test.ts";

describe("forwarder", () => {
  test("makes due tasks pending every 5 s, the first time after one interval", async ({ makeServer, seed, clock, pass }) => {
    await seed({ taskId: "a", processInSec: 3 });
    const server = makeServer({ delayedTaskCheckIntervalMs: 5_000 });
    await server.start(() => {});

    await pass(4_999);
    expect(server.metrics().forwarded).toBe(0);

    await clock.advance(1);
    await until(() => server.metrics().forwarded === 1);
    await until(async () => {
      await clock.advance(1_500);
      return server.metrics().done === 1;
    });
  });

  test("says so when it cannot serve a queue, and serves the others", async ({ makeServer, seed, clock, redis, log }) => {
    await seed({ taskId: "a", processInSec: 3, queue: "fine" });
    await redis.set("asynq:{broken}:scheduled", "not a set");
    const server = makeServer({ delayedTaskCheckIntervalMs: 5_000, queues: { broken: 1, fine: 1 } });
    await server.start(() => {});

    await clock.advance(5_000);
    await until(() => server.metrics().forwarded === 1);

    expect(server.metrics().forwardErrors).toBeGreaterThan(0);
    expect(log.join("\n")).toContain('forwarder could not serve a queue {"queue":"broken"');
  });
});

describe("recoverer", () => {
  test("takes back the tasks of lost workers at start, nothing charged, and again every minute", async ({
    makeServer,
    seed,
    clock,
    redis,
    message,
  }) => {
    await seed({ taskId: "a" }, { taskId: "b" });
    await redis.rpop("asynq:{default}:pending", 2);
    await redis.lpush("asynq:{default}:active", "a", "b");
    await redis.zadd("asynq:{default}:lease", leaseScore(startSec - 31, 77), "a");
    await redis.zadd("asynq:{default}:lease", leaseScore(startSec, 77), "b");
    const server = makeServer({ recoverIntervalMs: 60_000 });

    await server.start(() => {});
    await until(() => server.metrics().recovered === 1);
    expect(await message("a")).toMatchObject({ retried: 0, errorMsg: "asynq: task lease expired" });
    expect(await redis.zrange("asynq:{default}:retry", "0", "-1")).toEqual(["a"]);

    await clock.advance(60_000);
    await until(() => server.metrics().recovered === 2);
  });

  test("archives a task that may not be retried, unless told otherwise", async ({ makeServer, seed, redis }) => {
    const lose = async (id: string): Promise<void> => {
      await seed({ taskId: id, maxRetry: 0 });
      await redis.lrem("asynq:{default}:pending", 0, id);
      await redis.lpush("asynq:{default}:active", id);
      await redis.zadd("asynq:{default}:lease", startSec - 31, id);
    };
    await lose("a");
    const asAsynq = makeServer({ recoverIntervalMs: 60_000 });
    await asAsynq.start(() => {});
    await until(() => asAsynq.metrics().recoveredArchived === 1);

    await lose("b");
    const other = makeServer({ recoverIntervalMs: 60_000, recoverNoRetry: true });
    await other.start(() => {});
    await until(() => other.metrics().recovered === 1);
  });
});
