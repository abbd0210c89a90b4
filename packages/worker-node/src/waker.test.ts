import { seededRandom } from "@asynqjs/core/testing";
import type { Redis } from "ioredis";
import { useOwnRedis } from "../../../test/support/redis-test.ts";
import { describe, expect, passUntil, test, until, watching } from "../../../test/support/server-test.ts";
import { tcpFaults } from "../../../test/support/tcp-faults.ts";

// What it was asked is counted, and that of all databases.
useOwnRedis();

interface Calls {
  /** Scripts that were run: an idle server without heartbeat runs none but fetches. */
  readonly scripts: number;
  readonly lengths: number;
}

async function calls(redis: Redis): Promise<Calls> {
  const stats = await redis.info("commandstats");
  const of = (command: string): number => Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  return { scripts: of("evalsha") + of("eval"), lengths: of("llen") };
}

describe("an idle server", () => {
  test("runs a task the moment it is enqueued, though no time passes for it", async ({ seed, watchingServer }) => {
    const server = await watchingServer();

    for (const [nth, taskId] of ["a", "b", "c"].entries()) {
      await seed({ taskId });
      await until(() => server.metrics().done === nth + 1);
    }
  });

  test("has Redis remember nothing of what it reads while there is plenty, and is told of the next task all the same", async ({
    seed,
    redis,
    watchingServer,
  }) => {
    const server = await watchingServer({ concurrency: 1 });
    await redis.config("RESETSTAT");

    await seed(...Array.from({ length: 20 }, (_, nth) => ({ taskId: String(nth) })));
    await until(() => server.metrics().done === 20);

    // All but the two fetches that show that there is plenty; the one that found nothing is followed by one that is remembered.
    expect(await redis.info("commandstats")).toMatch(/^cmdstat_client\|caching:calls=19,/m);
    await seed({ taskId: "next" });
    await until(() => server.metrics().done === 21);
  });

  test("asks nothing while nothing changes, and once in five minutes at most", async ({ redis, clock, pass, watchingServer }) => {
    await watchingServer({ heartbeatIntervalMs: 10_000 });
    await pass(10);
    await redis.config("RESETSTAT");

    await passUntil(clock.nowMs() + 600_000, clock, redis);

    // It beats once a minute, which is a script too, and one beat may have been under way.
    expect((await calls(redis)).scripts - 11).toBeLessThanOrEqual(4);
  });

  test("is one of fifty, of whom a task makes five look at most, and a hundred tasks are run by all", async ({
    makeServer,
    seed,
    redisUrl,
    redis,
    clock,
    pass,
  }) => {
    const servers = Array.from({ length: 50 }, (_, i) => makeServer({ concurrency: 1, random: seededRandom(i + 1) }, redisUrl));
    for (const server of servers) await server.start(() => {});
    await watching(pass, ...servers);
    const done = (): number => servers.reduce((sum, server) => sum + server.metrics().done, 0);
    const settled = async (count: number): Promise<void> => {
      await until(async () => {
        await clock.advance(1);
        // What Redis tells of comes before what it answers later.
        for (let i = 0; i < 5; i++) await redis.ping();
        return done() === count;
      });
      for (let ms = 0; ms < 100; ms++) {
        await clock.advance(1);
        await redis.ping();
      }
    };
    await seed({ taskId: "learn how many they are" });
    await settled(1);

    for (let task = 2; task <= 6; task++) {
      await redis.config("RESETSTAT");
      await seed({ taskId: String(task) });
      await settled(task);
      const { scripts, lengths } = await calls(redis);
      // One enqueues, one writes the outcome, and who took it looks once more.
      expect(scripts - 3).toBeLessThanOrEqual(5);
      expect(lengths).toBeLessThanOrEqual(150);
    }

    await seed(...Array.from({ length: 100 }, (_, i) => ({ taskId: `many-${i}` })));
    await settled(106);
  });

  test("goes on when its queue is unpaused", async ({ seed, redis, pass, watchingServer }) => {
    await redis.set("asynq:{default}:paused", "1");
    const server = await watchingServer();
    await seed({ taskId: "a" });
    await pass(10);
    expect(server.metrics().done).toBe(0);

    await redis.del("asynq:{default}:paused");

    await until(() => server.metrics().done === 1);
  });

  test("asks once of a paused queue that is full and fills, and of the others as ever, until it is resumed", async ({
    seed,
    redis,
    pass,
    watchingServer,
  }) => {
    await redis.set("asynq:{default}:paused", "1");
    await seed(...Array.from({ length: 1_000 }, (_, i) => ({ taskId: `full-${i}` })));
    const server = await watchingServer({ queues: { default: 2, other: 1 }, heartbeatIntervalMs: 10_000 });
    await seed({ taskId: "learn that it is paused" });
    await pass(10);
    await redis.config("RESETSTAT");

    for (let i = 0; i < 300; i++) {
      await seed({ taskId: `fills-${i}` });
      await redis.ping();
    }
    expect((await calls(redis)).scripts - 300).toBeLessThanOrEqual(1);
    await seed({ taskId: "b", queue: "other" });
    await until(() => server.metrics().done === 1);
    await redis.del("asynq:{default}:paused");

    await until(() => server.metrics().done === 1_302);
    await redis.set("asynq:{default}:paused", "1");
    await seed({ taskId: "again" });
    await pass(10);
    await redis.del("asynq:{default}:paused");
    await until(() => server.metrics().done === 1_303);
  });

  test("runs what its own forwarder makes pending", async ({ seed, pass, watchingServer }) => {
    const server = await watchingServer({ delayedTaskCheckIntervalMs: 1_000 });
    await seed({ taskId: "a", processInSec: 2 });

    await until(async () => {
      await pass(1_000);
      return server.metrics().forwarded === 1;
    });

    await until(() => server.metrics().done === 1);
  });

  test("hears of changes again after either connection was lost, and of what came meanwhile", async ({
    makeServer,
    seed,
    redisUrl,
    pass,
  }) => {
    const way = await tcpFaults({ port: Number(new URL(redisUrl).port) });
    const server = makeServer({}, redisUrl.replace(/:\d+\//, `:${way.port}/`));
    await server.start(() => {});
    await watching(pass, server);

    way.cut();
    await until(() => !server.metrics().watching);
    await seed({ taskId: "a" });
    await watching(pass, server);

    await until(() => server.metrics().done === 1);
    await seed({ taskId: "b" });
    await until(() => server.metrics().done === 2);
    await way.stop();
  });

  test("polls where Redis refuses to tell of changes", async ({ makeServer, seed, redisUrl, redis, pass, log }) => {
    await redis.call("ACL", "SETUSER", "narrow", "on", ">s3cret", "~*", "&*", "+@all", "-client|tracking");
    const server = makeServer({}, redisUrl.replace("//", "//narrow:s3cret@"));
    await server.start(() => {});
    await until(() => log.some((line) => line.includes("the server polls")));
    expect(server.metrics().watching).toBe(false);
    await seed({ taskId: "a" });

    await pass(2_000);

    await until(() => server.metrics().done === 1);
    await redis.call("ACL", "DELUSER", "narrow");
  });
});
