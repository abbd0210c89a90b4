import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import type { Broker } from "../broker.ts";
import { recover } from "../ticks/recover.ts";
import { dequeue } from "./dequeue.ts";
import { enqueue } from "./enqueue.ts";
import { type RepairStep, repairQueue } from "./repair-queue.ts";

const sound: RepairStep = { leased: 0, reactivated: 0, dangling: 0, strays: 0, restated: 0, inUse: true, whole: true };
const repaired = (broker: Broker): Promise<RepairStep> => repairQueue(broker, "default");

describe("repairQueue", () => {
  test("leaves a sound queue as it is, and an empty one without a trace", async ({ broker, seedPending, keyspace }) => {
    expect(await repaired(broker)).toEqual({ ...sound, inUse: false });
    expect(await keyspace()).toEqual({});
    await seedPending("a", "b", "c");
    await dequeue(broker, ["default"], 2);
    const before = await keyspace();

    expect(await repaired(broker)).toEqual(sound);

    expect(await keyspace()).toEqual(before);
  });

  test("gives an active task without lease one that has just ended, so the recoverer takes it, nothing charged", async ({
    broker,
    seedPending,
    redis,
    clock,
    keyspace,
  }) => {
    await seedPending("a");
    await dequeue(broker, ["default"], 1);
    await redis.del("asynq:{default}:lease");

    expect(await repaired(broker)).toEqual({ ...sound, leased: 1 });
    expect((await keyspace())["asynq:{default}:lease"]).toEqual({ a: String(startSec) });

    await clock.advance(31_000);
    expect(await recover(broker, { queues: ["default"] })).toMatchObject({ recovered: 1 });
  });

  test("puts a leased task back among the active ones, where Go's recoverer says NOT FOUND each minute for ever", async ({
    broker,
    seedPending,
    redis,
    keyspace,
  }) => {
    await seedPending("a");
    await dequeue(broker, ["default"], 1);
    const before = await keyspace();
    await redis.del("asynq:{default}:active");

    expect(await repaired(broker)).toEqual({ ...sound, reactivated: 1 });

    expect(await keyspace()).toEqual(before);
  });

  test("drops ids without a task from every container, with the stubs they left", async ({ broker, redis, keyspace }) => {
    await redis.lpush("asynq:{default}:active", "a");
    await redis.hset("asynq:{default}:t:a", "state", "active");
    await redis.zadd("asynq:{default}:lease", startSec, "l");
    await redis.lpush("asynq:{default}:pending", "p", "wrong");
    await redis.set("asynq:{default}:t:wrong", "no hash");
    for (const set of ["scheduled", "retry", "archived", "completed", "js:quarantine"])
      await redis.zadd(`asynq:{default}:${set}`, startSec, set);

    expect(await repaired(broker)).toEqual({ ...sound, inUse: false, dangling: 9 });

    expect(await keyspace()).toEqual({ "asynq:{default}:t:wrong": "no hash" });
  });

  test("takes an id out of active, or its lease away, when the task stands where its state says", async ({
    broker,
    seedPending,
    redis,
    keyspace,
  }) => {
    await seedPending("a", "b");
    const before = await keyspace();
    await redis.lpush("asynq:{default}:active", "a");
    await redis.zadd("asynq:{default}:lease", startSec, "b");

    expect(await repaired(broker)).toEqual({ ...sound, strays: 2 });

    expect(await keyspace()).toEqual(before);
  });

  test("makes a task say where it stands, and takes an id out where its task stands elsewhere, in every container", async ({
    broker,
    aTask,
    redis,
    keyspace,
  }) => {
    await enqueue(broker, [
      aTask({ taskId: "pending" }),
      aTask({ taskId: "scheduled", processInSec: 60 }),
      aTask({ taskId: "g", group: "g" }),
    ]);
    const before = await keyspace();
    for (const set of ["scheduled", "retry", "archived", "completed", "js:quarantine"]) {
      await redis.zadd(`asynq:{default}:${set}`, startSec, `in-${set}`, startSec, "pending", startSec, "g");
      await redis.hset(`asynq:{default}:t:in-${set}`, "msg", "m", "state", "active");
    }
    await redis.lpush("asynq:{default}:pending", "scheduled", "in-pending");
    await redis.hset("asynq:{default}:t:in-pending", "msg", "m", "state", "active");

    expect(await repaired(broker)).toEqual({ ...sound, restated: 6, strays: 11 });

    const { "asynq:{default}:pending": pending, "asynq:{default}:scheduled": scheduled, ...rest } = await keyspace();
    expect(pending).toEqual(["in-pending", "pending"]);
    expect(Object.keys(scheduled!)).toEqual(["in-scheduled", "scheduled"]);
    for (const set of ["pending", "scheduled", "retry", "archived", "completed", "js:quarantine"])
      expect(rest[`asynq:{default}:t:in-${set}`]).toEqual({ msg: "m", state: set });
    expect(rest).toMatchObject(Object.fromEntries(Object.entries(before).filter(([key]) => key.includes(":t:") || key.includes(":g:"))));
  });

  test("goes on where the last step left off, whoever made it, until the whole queue was looked at", async ({
    broker,
    other,
    seedPending,
    redis,
  }) => {
    await seedPending(...Array.from({ length: 250 }, (_, i) => `t${i}`));
    await redis.del("asynq:{default}:t:t0", "asynq:{default}:t:t120", "asynq:{default}:t:t249");

    const steps = [await repaired(broker), await repaired(other), await repaired(broker)];

    expect(steps.map(({ dangling, whole }) => [dangling, whole])).toEqual([
      [1, false],
      [1, false],
      [1, true],
    ]);
    expect(await redis.llen("asynq:{default}:pending")).toBe(247);
    expect(await redis.get("asynq:{default}:js:repair")).toBe(`1:0:${startSec}`);
  });

  test("looks a long queue through once a minute, whoever does, and at its active tasks each time", async ({
    broker,
    other,
    aTask,
    redis,
    clock,
  }) => {
    await enqueue(
      broker,
      Array.from({ length: 250 }, (_, i) => aTask({ taskId: `${i}` })),
    );
    for (let whole = false; !whole; ) ({ whole } = await repaired(broker));
    await redis.zadd("asynq:{default}:retry", startSec, "gone");
    await redis.lpush("asynq:{default}:active", "a");
    await redis.hset("asynq:{default}:t:a", "msg", "m", "state", "active");

    expect(await repaired(other)).toMatchObject({ leased: 1, dangling: 0, whole: true });
    expect(await repaired(other)).toMatchObject({ leased: 0, dangling: 0, whole: true });

    await clock.advance(60_000);
    let dangling = 0;
    for (let whole = false; !whole; ) {
      const step = await repaired(other);
      whole = step.whole;
      dangling += step.dangling;
    }
    expect(dangling).toBe(1);
  });

  test("passes over a container of the wrong kind and mends the others", async ({ broker, redis, keyspace }) => {
    await redis.set("asynq:{default}:lease", "x");
    await redis.lpush("asynq:{default}:pending", "gone");

    expect(await repaired(broker)).toMatchObject({ dangling: 1, whole: true });

    expect(await keyspace()).toEqual({ "asynq:{default}:lease": "x" });
  });
});
