import type { Redis } from "ioredis";
import { describe, inject } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { aggregationCheck } from "../broker/aggregation-check.ts";
import { dequeue } from "../broker/dequeue.ts";
import { enqueue } from "../broker/enqueue.ts";
import { listKeys } from "../broker/list-keys.ts";
import type { Broker } from "../broker.ts";
import { type RepairOptions, type RepairReport, repair } from "./repair.ts";

const nothing: RepairReport = {
  leased: 0,
  reactivated: 0,
  dangling: 0,
  strays: 0,
  restated: 0,
  published: 0,
  requeued: 0,
  regrouped: 0,
  removed: 0,
  unlocked: 0,
  indexed: 0,
  more: false,
  errors: [],
};
const repaired = (broker: Broker, options: Partial<RepairOptions> = {}): Promise<RepairReport> =>
  repair(broker, { queues: ["default", "low"], sweep: true, ...options });

/** As often as a sweep takes to get through the keyspace. */
async function sweptWhole(broker: Broker, redis: Redis): Promise<RepairReport[]> {
  const reports: RepairReport[] = [];
  do reports.push(await repaired(broker));
  while ((await redis.hlen("asynq:js:sweep")) > 0);
  return reports;
}

describe("repair", () => {
  test("leaves sound queues and an empty Redis as they are", async ({ broker, seedPending, keyspace }) => {
    expect(await repaired(broker)).toEqual(nothing);
    expect(await keyspace()).toEqual({});
    await seedPending("a", "b");
    const before = await keyspace();

    expect(await repaired(broker)).toEqual(nothing);

    expect(await keyspace()).toEqual(before);
  });

  test("mends in one tick what containers show, in every queue, and names a queue that inspectors do not see", async ({
    broker,
    redis,
  }) => {
    await redis.lpush("asynq:{default}:active", "a");
    await redis.hset("asynq:{default}:t:a", "msg", "m", "state", "active");
    await redis.lpush("asynq:{low}:pending", "gone");
    await redis.zadd("asynq:{low}:retry", startSec, "gone-too");

    expect(await repaired(broker, { sweep: false })).toMatchObject({ leased: 1, dangling: 2, errors: [] });

    expect(await redis.smembers("asynq:queues")).toEqual(["default"]);
    expect(await redis.exists("asynq:{low}:pending", "asynq:{low}:retry")).toBe(0);
  });

  test("names a queue whose only tasks wait in a group or an aggregation set, and none that has but names of empty groups", async ({
    broker,
    aTask,
    redis,
  }) => {
    await enqueue(broker, [aTask({ queue: "grouped", group: "g" }), aTask({ queue: "in-a-set", group: "g" })]);
    await aggregationCheck(broker, "in-a-set", ["g"], { gracePeriodSec: 60, maxDelaySec: 0, maxSize: 1 });
    await redis.del("asynq:queues");
    await redis.sadd("asynq:{left}:groups", "empty");

    await repaired(broker, { queues: ["grouped", "in-a-set", "left"] });

    expect((await redis.smembers("asynq:queues")).sort()).toEqual(["grouped", "in-a-set"]);
  });

  test("deals with what only a sweep shows when it was unsound a minute before as well", async ({ broker, redis, clock, keyspace }) => {
    await redis.hset("asynq:{default}:t:ghost", "state", "active");
    await redis.hset("asynq:{default}:t:lost", "msg", "m", "state", "retry");
    await redis.set("asynq:{low}:unique:t:1", "gone");
    const before = await keyspace();

    await sweptWhole(broker, redis);
    const { "asynq:js:sweep:found": found, ...rest } = await keyspace();
    expect(rest).toEqual(before);
    expect(Object.keys(found!).sort()).toEqual(["asynq:{default}:t:ghost", "asynq:{default}:t:lost", "asynq:{low}:unique:t:1"]);
    await clock.advance(59_000);
    expect((await sweptWhole(broker, redis)).every(({ removed, requeued, unlocked }) => removed + requeued + unlocked === 0)).toBe(true);

    await clock.advance(1_000);
    const reports = await sweptWhole(broker, redis);
    const sum = (count: "removed" | "requeued" | "unlocked") => reports.reduce((total, report) => total + report[count], 0);
    expect([sum("removed"), sum("requeued"), sum("unlocked")]).toEqual([1, 1, 1]);
    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["lost"]);
    expect(await redis.exists("asynq:js:sweep:found")).toBe(0);
  });

  test("forgets what was unsound once and is sound again", async ({ broker, redis, clock }) => {
    await redis.hset("asynq:{default}:t:a", "msg", "m", "state", "retry");
    await sweptWhole(broker, redis);
    await redis.zadd("asynq:{default}:retry", startSec + 600, "a");
    await sweptWhole(broker, redis);
    expect(await redis.exists("asynq:js:sweep:found")).toBe(0);

    await redis.zrem("asynq:{default}:retry", "a");
    await clock.advance(120_000);
    await sweptWhole(broker, redis);

    expect(await redis.hget("asynq:{default}:t:a", "state")).toBe("retry");
  });

  test("still knows after a week what it found, though it found more since: so long may a sweep of many keys take", async ({
    broker,
    redis,
    clock,
  }) => {
    await redis.hset("asynq:{default}:t:lost", "msg", "m", "state", "retry");
    await sweptWhole(broker, redis);
    // The sweep is elsewhere for a week, and finds something there.
    await redis.rename("asynq:{default}:t:lost", "{default}:not looked at");
    await redis.hset("asynq:{default}:t:ghost", "state", "active");
    await clock.advance(7 * 24 * 3600 * 1000);
    await sweptWhole(broker, redis);
    await redis.rename("{default}:not looked at", "asynq:{default}:t:lost");

    await sweptWhole(broker, redis);

    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["lost"]);
  });

  test("sweeps many keys in one tick, a thousand a step, and over HTTP one step", async ({ broker, redis }) => {
    const pipeline = redis.pipeline();
    for (let i = 0; i < 3_000; i++) pipeline.hset(`asynq:{default}:t:${i}`, "state", "active");
    await pipeline.exec();

    await repaired(broker, { queues: ["default"] });

    const found = await redis.zcard("asynq:js:sweep:found");
    const whole = !["fetch", "upstash"].includes(inject("brokerPort"));
    expect(await redis.exists("asynq:js:sweep")).toBe(whole ? 0 : 1);
    if (whole) expect(found).toBe(3_000);
    else expect(Math.abs(found - 1_000)).toBeLessThan(500);
  });

  test("goes on with a sweep where another left off", async ({ broker, redis }) => {
    const pipeline = redis.pipeline();
    for (let i = 0; i < 3_000; i++) pipeline.hset(`asynq:{default}:t:${i}`, "state", "active");
    await pipeline.exec();
    const { cursor } = await listKeys(broker, { queue: "default", cursor: "0", count: 1_000 });
    await redis.hset("asynq:js:sweep", "*", cursor, "default", cursor);

    await repaired(broker, { queues: ["default"] });

    const found = await redis.zcard("asynq:js:sweep:found");
    expect(found).toBeGreaterThan(500);
    expect(found).toBeLessThan(2_500);
  });

  test("does not sweep over HTTP unless it is asked to", async ({ broker, redis }) => {
    await redis.hset("asynq:{default}:t:ghost", "state", "active");

    await repair(broker, { queues: ["default"] });

    const overHttp = ["fetch", "upstash"].includes(inject("brokerPort"));
    expect(await redis.exists("asynq:js:sweep:found")).toBe(overHttp ? 0 : 1);
  });

  test("any number of copies at once mend each task once", async ({ broker, other, aTask, redis }) => {
    await enqueue(
      broker,
      Array.from({ length: 250 }, (_, i) => aTask({ taskId: String(i) })),
    );
    for (let taken = 0; taken < 250; ) taken += (await dequeue(broker, ["default"], 100)).tasks.length;
    await redis.del("asynq:{default}:lease");
    await redis.del("asynq:queues");

    const reports = await Promise.all([broker, other, broker, other].map((one) => repair(one, { queues: ["default"], sweep: false })));

    expect(reports.reduce((sum, { leased }) => sum + leased, 0)).toBe(250);
    expect(await redis.smembers("asynq:queues")).toEqual(["default"]);
    expect(await redis.zcard("asynq:{default}:lease")).toBe(250);
  });

  test("steps through many queues in one request per round", async ({ broker, aTask, port }) => {
    const queues = Array.from({ length: 30 }, (_, i) => `q${i}`);
    await enqueue(broker, [aTask({ queue: "q7" })]);
    await repair(broker, { queues, sweep: false });
    const already = port.sent.length;

    await repair(broker, { queues, sweep: false });

    expect(port.sent.slice(already).map((commands) => commands.length)).toEqual([30, 1]);
  });

  test("reports a queue that cannot be served, mends the others, and stops when told to", async ({ broker, redis }) => {
    await redis.lpush("asynq:{default}:js:repair", "x");
    await redis.lpush("asynq:{low}:pending", "gone");

    const report = await repaired(broker, { sweep: false });
    expect(report).toMatchObject({ dangling: 1, errors: [{ queue: "default" }] });

    expect(await repaired(broker, { signal: AbortSignal.abort() })).toEqual({ ...nothing, more: true });
  });
});
