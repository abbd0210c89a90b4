/** Waits for Redis itself: ten thousand queues, and how long a look at all of them takes. */
import type { Redis } from "ioredis";
import { expect, test } from "../../../../test/support/broker-test.ts";
import { useOwnRedis } from "../../../../test/support/redis-test.ts";
import { makeBroker } from "../broker.ts";
import { systemClock, systemRandom } from "../clock.ts";
import { examine } from "./examine.ts";

useOwnRedis();

/** What this process and Redis took of the processors by now, seconds. */
async function usedSec(redis: Redis): Promise<number> {
  const cpu = await redis.info("cpu");
  const ofRedis = ["user", "sys"].map((kind) => Number(new RegExp(`used_cpu_${kind}:([\\d.]+)`).exec(cpu)![1]));
  const { user, system } = process.cpuUsage();
  return ofRedis[0]! + ofRedis[1]! + (user + system) / 1e6;
}

test("what is wrong in ten thousand queues is known in thirty requests, for little time of both processors, and no script holds Redis", {
  timeout: 120_000,
}, async ({ port, redis }) => {
  const seed = redis.pipeline();
  for (let i = 0; i < 10_000; i++) {
    seed.sadd("asynq:queues", `q${i}`);
    seed.lpush(`asynq:{q${i}}:pending`, "a");
    seed.hset(`asynq:{q${i}}:t:a`, "msg", "m", "state", "pending", "pending_since", "1700000000000000000");
  }
  await seed.exec();
  const broker = makeBroker({ redis: port, clock: systemClock, random: systemRandom });
  // Once beforehand: Redis learns the scripts.
  await examine(broker, { queues: ["q0"] });
  await redis.config("SET", "slowlog-log-slower-than", "10000");
  await redis.call("SLOWLOG", "RESET");

  const before = port.sent.length;
  const usedBefore = await usedSec(redis);
  const { looked, more } = await examine(broker);
  const used = (await usedSec(redis)) - usedBefore;

  expect(looked).toMatchObject({ queues: 10_000, ofQueues: 10_000, invariants: false });
  expect(more).toEqual({ "no-server": 9_990 });
  expect(port.sent.length - before).toBeLessThanOrEqual(30);
  // Half a second of ours, and as much of Redis': others share the processors, so time that passes is no measure.
  expect(used).toBeLessThan(3);
  const slow = (await redis.call("SLOWLOG", "GET", "100")) as readonly (readonly [number, number, number, readonly string[]])[];
  // A few are held up by what the machine does beside it.
  expect(slow.filter(([, , , words]) => words[0]!.toUpperCase() === "EVALSHA").length).toBeLessThan(20);
});
