import { leaseScore, RedisError, type RedisPort } from "@asynqjs/core";
import { useOwnRedis } from "../../../test/support/redis-test.ts";
import { closing, describe, expect, passUntil, startSec, test, until, watching } from "../../../test/support/server-test.ts";

// Others cut connections over which Redis tells of changes.
useOwnRedis();

describe("forwarder", () => {
  test("makes due tasks pending every 5 s, the first time after one interval", async ({ makeServer, seed, clock, pass }) => {
    await seed({ taskId: "a", processInSec: 3 });
    const server = makeServer({ delayedTaskCheckIntervalMs: 5_000 });
    await server.start(() => {});

    await pass(4_999);
    expect(server.metrics().forwarded).toBe(0);

    await clock.advance(1);
    await until(() => server.metrics().forwarded === 1);
    // A fetch is given up after 3 s: time must not outrun Redis.
    await until(async () => {
      await pass(1_500);
      return server.metrics().done === 1;
    });
  });

  test("where it is told of changes, makes a task that anybody schedules pending at its very second", async ({
    seed,
    clock,
    redis,
    watchingServer,
  }) => {
    const server = await watchingServer({ delayedTaskCheckIntervalMs: 5_000 });
    await passUntil((startSec + 20) * 1_000, clock, redis);

    for (const taskId of ["a", "b"]) {
      await seed({ taskId, processInSec: 43 });
      const dueMs = Number(await redis.zscore("asynq:{default}:scheduled", taskId)) * 1_000;
      const before = server.metrics().done;
      await passUntil(dueMs - 1, clock, redis);
      expect(server.metrics().forwarded).toBe(before);
      await passUntil(dueMs, clock, redis);
      await until(() => server.metrics().done === before + 1);
    }
  });

  test("where it is told of changes, makes what its own server puts off pending within an interval", async ({
    makeServer,
    seed,
    clock,
    pass,
    redis,
    redisUrl,
  }) => {
    const server = makeServer({ delayedTaskCheckIntervalMs: 5_000, retryDelayFunc: () => 12_000 }, redisUrl);
    await server.start(({ retryCount }) => {
      if (retryCount === 0) throw new Error("later");
    });
    await watching(pass, server);
    await passUntil((startSec + 20) * 1_000, clock, redis);
    await seed({ taskId: "a" });
    await until(() => server.metrics().retried === 1);
    const dueMs = Number(await redis.zscore("asynq:{default}:retry", "a")) * 1_000;

    await passUntil(dueMs + 5_000, clock, redis);

    await until(() => server.metrics().done === 1);
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

  test("where it is told of changes, takes a task back in the second its lease is over for 30 s, if it looked a minute before", async ({
    seed,
    clock,
    redis,
    watchingServer,
  }) => {
    const server = await watchingServer({ recoverIntervalMs: 60_000 });
    await passUntil((startSec + 130) * 1_000, clock, redis);
    await seed({ taskId: "a", processInSec: 1_000 });
    await redis
      .multi()
      .del("asynq:{default}:scheduled")
      .lpush("asynq:{default}:active", "a")
      .zadd("asynq:{default}:lease", leaseScore(startSec + 230, 77), "a")
      .exec();

    await passUntil((startSec + 261) * 1_000 - 1, clock, redis);
    expect(server.metrics().recovered).toBe(0);
    await clock.advance(1);
    await until(() => server.metrics().recovered === 1);
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

  test("gives tasks back to their group that nobody aggregated in time", async ({ makeServer, seed, redis, log }) => {
    await seed({ taskId: "a", group: "g" });
    const set = "asynq:{default}:g:g:0b6c2a9e-6a07-4c5d-9e0a-6d8c8d7f5b11";
    await redis.rename("asynq:{default}:g:g", set);
    await redis.srem("asynq:{default}:groups", "g");
    await redis.zadd("asynq:{default}:aggregation_sets", startSec, set);
    const server = makeServer({ recoverIntervalMs: 60_000 });

    await server.start(() => {});
    await until(() => server.metrics().reclaimed === 1);

    expect(await redis.smembers("asynq:{default}:groups")).toEqual(["g"]);
    expect(log.join("\n")).toContain('recoverer gave tasks back to their groups that nobody aggregated in time {"reclaimed":1}');
  });
});

describe("janitor", () => {
  test("deletes what is over every 8 s, the first time after one interval; each trim is counted and logged", async ({
    makeServer,
    redis,
    clock,
    pass,
    log,
  }) => {
    const store = async (state: string, atSec: number, ...ids: string[]): Promise<void> => {
      for (const id of ids) {
        await redis.hset(`asynq:{default}:t:${id}`, "msg", "m", "state", state);
        await redis.zadd(`asynq:{default}:${state}`, atSec, id);
      }
    };
    await store("completed", startSec + 5, "over");
    await store("completed", startSec + 99, "a", "b", "c");
    await store("archived", startSec, "d", "e", "f");
    await store("archived", startSec - 3_601, "old");
    const server = makeServer({ janitorIntervalMs: 8_000, archiveMaxAgeSec: 3_600, archiveMaxSize: 3, completedMaxSize: 2 });
    await server.start(() => {});

    await pass(7_999);
    expect(server.metrics()).toMatchObject({ expired: 0, trimmed: 0 });
    await clock.advance(1);
    await until(() => server.metrics().trimmed > 0);

    expect(server.metrics()).toMatchObject({ expired: 1, completedTrimmed: 1, trimmed: 2, janitorErrors: 0 });
    expect((await redis.keys("asynq:{default}:t:*")).map((key) => key.at(-1)).sort()).toEqual(["b", "c", "e", "f"]);
    expect(log).toContain('warn archived tasks were trimmed {"trimmed":2}');
    expect(log).toContain('warn completed tasks were trimmed before their retention ended {"completedTrimmed":1}');
  });

  test("where it is told of changes, deletes a task that another server completed in the very second its retention ends", async ({
    clock,
    redis,
    watchingServer,
  }) => {
    const server = await watchingServer({ janitorIntervalMs: 8_000 });
    await passUntil((startSec + 20) * 1_000, clock, redis);
    await redis.hset("asynq:{default}:t:a", "msg", "m", "state", "completed");
    await redis.zadd("asynq:{default}:completed", startSec + 61, "a");

    await passUntil((startSec + 61) * 1_000 - 1, clock, redis);
    expect(server.metrics().expired).toBe(0);
    await clock.advance(1);
    await until(() => server.metrics().expired === 1);
  });

  test("an archiving worker trims to the same limits", async ({ makeServer, seed, redis }) => {
    await seed(...["a", "b", "c"].map((taskId) => ({ taskId, maxRetry: 0 })));
    const server = makeServer({ archiveMaxSize: 3, concurrency: 1 });

    await server.start(() => {
      throw new Error("no");
    });
    await until(() => server.metrics().trimmed === 1);

    expect(await redis.zcard("asynq:{default}:archived")).toBe(2);
  });

  test("warns of a large batch, and of a queue it cannot serve, while it serves the others", async ({ makeServer, redis, clock, log }) => {
    await redis.set("asynq:{broken}:completed", "in the way");
    await redis.hset("asynq:{fine}:t:a", "msg", "m", "state", "completed");
    await redis.zadd("asynq:{fine}:completed", startSec, "a");
    const server = makeServer({ janitorIntervalMs: 8_000, janitorBatchSize: 500, queues: { broken: 1, fine: 1 } });
    await server.start(() => {});
    expect(log).toContain('warn a large janitorBatchSize holds Redis for longer {"janitorBatchSize":500,"recommended":100}');

    await clock.advance(8_000);
    await until(() => server.metrics().expired === 1);

    expect(server.metrics().janitorErrors).toBe(1);
    expect(log.join("\n")).toContain('janitor could not serve a queue {"queue":"broken"');
  });
});

test("what a shutdown gives up in the middle, sent by text since Redis forgot the script, was refused by nobody", async ({
  makeServer,
  port,
  clock,
  log,
}) => {
  let waiting = 0;
  const forgetful: RedisPort = {
    ...port,
    async send(commands, options) {
      // One or two scripts for each of both queues: a tick. The processor asks for both in one script; a beat begins with the index.
      if (commands.length % 2 !== 0 || commands[0]![0] === "ZADD") return port.send(commands, options);
      if (commands[0]![0] === "EVALSHA")
        return commands.map(() => ({ error: new RedisError("no such script", { delivered: "no", reply: "NOSCRIPT" }) }));
      waiting++;
      return new Promise((_, reject) => {
        options!.signal!.addEventListener("abort", () => reject(new RedisError("given up by its caller", { delivered: "unknown" })));
      });
    },
  };
  const server = makeServer({ janitorIntervalMs: 8_000, delayedTaskCheckIntervalMs: 8_000, queues: { a: 1, b: 1 } }, forgetful);
  await server.start(() => {});
  await clock.advance(8_000);
  await until(() => waiting === 3);

  await closing(server, clock);

  expect(server.metrics()).toMatchObject({ janitorErrors: 0, forwardErrors: 0 });
  expect(log.join("\n")).not.toContain("could not serve");
});

describe("repairer", () => {
  test("mends every 5 minutes, the first time after one interval, what nobody else would ever take up", async ({
    makeServer,
    seed,
    redis,
    clock,
    pass,
    log,
  }) => {
    await seed({ taskId: "a" });
    // What Go's dequeue and an evicted lease leave.
    await redis.rpoplpush("asynq:{default}:pending", "asynq:{default}:active");
    await redis.hset("asynq:{default}:t:a", "state", "active");
    const server = makeServer({ repairIntervalMs: 300_000, recoverIntervalMs: 60_000, delayedTaskCheckIntervalMs: 5_000 });
    await server.start(() => {});

    await pass(299_000);
    expect(server.metrics().repaired).toBe(0);
    await clock.advance(1_000);
    await until(() => server.metrics().repaired === 1);
    expect(log.join("\n")).toContain("warn repairer mended what was left behind");

    await until(async () => {
      await clock.advance(5_000);
      return server.metrics().done === 1;
    });
  });

  test("says so when it cannot serve a queue, and serves the others", async ({ makeServer, redis, clock }) => {
    await redis.lpush("asynq:{broken}:js:repair", "in the way");
    await redis.zadd("asynq:{fine}:retry", startSec, "gone");
    const server = makeServer({ repairIntervalMs: 1_000, queues: { broken: 1, fine: 1 } });
    await server.start(() => {});

    await clock.advance(1_000);
    await until(() => server.metrics().dangling === 1);

    expect(server.metrics().repairErrors).toBe(1);
  });
});
