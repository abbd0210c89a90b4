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

  test.for([
    ["lease", "active"],
    ["active", "lease"],
  ])("passes over a container of the wrong kind, %s, and mends the others", async ([wrong, other], { broker, redis, keyspace }) => {
    await redis.set(`asynq:{default}:${wrong}`, "x");
    await (other === "active" ? redis.lpush("asynq:{default}:active", "a") : redis.zadd("asynq:{default}:lease", startSec, "a"));
    await redis.hset("asynq:{default}:t:a", "msg", "m", "state", "active");
    const before = await keyspace();
    await redis.lpush("asynq:{default}:pending", "gone");

    expect(await repaired(broker)).toEqual({ ...sound, dangling: 1 });

    expect(await keyspace()).toEqual(before);
  });

  test("keeps its place behind what it took out, in every container", async ({ broker, redis }) => {
    const seed = `
      for i = 1, 120 do
        redis.call("HSET", KEYS[1] .. i, "msg", "m", "state", ARGV[1])
        if ARGV[2] == "list" then redis.call("RPUSH", KEYS[2], i) else redis.call("ZADD", KEYS[2], i, i) end
      end`;
    const prepare = async (container: string, kind: string): Promise<void> => {
      await redis.flushdb();
      await redis.eval(seed, 2, "asynq:{default}:t:", `asynq:{default}:${container}`, container === "lease" ? "active" : container, kind);
      if (container === "active") await redis.eval(seed, 2, "asynq:{default}:t:", "asynq:{default}:lease", "active", "zset");
      if (container === "lease") await redis.eval(seed, 2, "asynq:{default}:t:", "asynq:{default}:active", "active", "list");
    };
    /** The place after one step, where the first of these two containers is that which is looked at first. */
    const placeAfter = async (): Promise<string | null> => {
      await repaired(broker);
      return redis.get("asynq:{default}:js:repair");
    };

    await prepare("pending", "list");
    expect(await placeAfter()).toBe("3:100:");
    await prepare("pending", "list");
    await redis.del("asynq:{default}:t:7", "asynq:{default}:t:8");
    expect(await placeAfter()).toBe("3:98:");
    // Whose state says another place, and who is there.
    await prepare("scheduled", "zset");
    await redis.zadd("asynq:{default}:retry", 1, "7", 1, "8");
    for (const id of ["7", "8"]) await redis.hset(`asynq:{default}:t:${id}`, "state", "retry");
    expect(await placeAfter()).toBe("4:98:");
    await prepare("active", "list");
    await redis.zadd("asynq:{default}:retry", 1, "7", 1, "8");
    await redis.zrem("asynq:{default}:lease", "7", "8");
    for (const id of ["7", "8"]) await redis.hset(`asynq:{default}:t:${id}`, "state", "retry");
    expect(await placeAfter()).toBe("1:98:");
    // The active tasks are ninety, and sound; of the leases behind them, two are of tasks that wait.
    await prepare("lease", "zset");
    await redis.del("asynq:{default}:active");
    await redis.rpush("asynq:{default}:active", ...Array.from({ length: 90 }, (_, i) => String(i + 31)));
    for (const id of ["7", "8"]) await redis.hset(`asynq:{default}:t:${id}`, "state", "retry");
    expect(await placeAfter()).toBe("2:8:");
  });

  test("remembers that a queue was looked through where that took steps, at whatever place the last one began", async ({
    broker,
    redis,
    clock,
  }) => {
    const steps = async (): Promise<number> => {
      for (let count = 1; ; count++) if ((await repaired(broker)).whole) return count;
    };
    const cursor = (): Promise<string | null> => redis.get("asynq:{default}:js:repair");
    const redisMs = async (): Promise<number> => {
      const [sec, us] = await redis.time();
      return Number(sec) * 1000 + Math.floor(Number(us) / 1000);
    };
    const walked = `1:0:${startSec}`;
    const task = (id: string, state: string): Promise<number> => redis.hset(`asynq:{default}:t:${id}`, "msg", "m", "state", state);
    const gone = Array.from({ length: 100 }, (_, i) => `gone${i}`);
    await task("a", "active");
    await task("p", "pending");

    // Within the first container.
    await redis.rpush("asynq:{default}:active", ...gone.slice(1), "a", "a");
    await redis.zadd("asynq:{default}:lease", startSec, "a");
    expect([await steps(), await cursor()]).toEqual([2, walked]);
    // At the begin of the second one.
    await redis.del("asynq:{default}:js:repair", "asynq:{default}:active");
    await redis.rpush("asynq:{default}:active", "a");
    await redis.del("asynq:{default}:lease");
    for (const id of gone.slice(1)) await redis.zadd("asynq:{default}:lease", 1, id);
    await redis.zadd("asynq:{default}:lease", 2, "a");
    expect([await steps(), await cursor()]).toEqual([2, walked]);
    // At the begin of a later one.
    await redis.del("asynq:{default}:js:repair");
    await redis.rpush("asynq:{default}:pending", ...gone.slice(2), "p");
    await redis.zadd("asynq:{default}:retry", 1, "none");
    expect([await steps(), await cursor()]).toEqual([2, walked]);

    // It was a while ago, or the clock was put back: from the begin on, and no word of the last time before the end.
    for (const passedSec of [-61, 61]) {
      await redis.del("asynq:{default}:pending");
      await redis.rpush("asynq:{default}:pending", ...gone, "p");
      await redis.set("asynq:{default}:js:repair", `1:0:${startSec - passedSec}`);
      const beforeMs = await redisMs();
      expect(await repaired(broker)).toMatchObject({ dangling: 98, whole: false });
      const afterMs = await redisMs();
      expect(await cursor()).toMatch(/^3:\d+:$/);
      const endsMs = await redis.pexpiretime("asynq:{default}:js:repair");
      expect(endsMs).toBeGreaterThanOrEqual(beforeMs + 86_400_000);
      expect(endsMs).toBeLessThanOrEqual(afterMs + 86_400_000);
      expect(await steps()).toBe(1);
    }
    clock.jump(30_000);
    await redis.zadd("asynq:{default}:lease", 1, "gone");
    expect(await repaired(broker)).toMatchObject({ dangling: 1, whole: true });
  });

  test("looks at the hundredth id of a step, and is not whole before the last container is", async ({ broker, redis, keyspace }) => {
    const quarantined = Array.from({ length: 99 }, (_, i) => `q${i}`);
    for (const id of quarantined) {
      await redis.hset(`asynq:{default}:t:${id}`, "msg", "m", "state", "archived");
      await redis.zadd("asynq:{default}:archived", 1, id);
    }
    await redis.zadd("asynq:{default}:js:quarantine", 1, "gone0", 2, "gone1");

    expect(await repaired(broker)).toEqual({ ...sound, dangling: 1, whole: false });
    expect(await repaired(broker)).toEqual({ ...sound, dangling: 1 });

    await redis.flushdb();
    await redis.zadd("asynq:{default}:js:quarantine", ...Array.from({ length: 150 }, (_, i) => [i, `gone${i}`]).flat());
    expect(await repaired(broker)).toEqual({ ...sound, dangling: 100, whole: false });
    expect(await repaired(broker)).toEqual({ ...sound, dangling: 50, inUse: false });
    expect(await keyspace()).toEqual({});
  });

  test("takes an id that a list has twice out of it place by place", async ({ broker, redis }) => {
    const seed = "for i = 1, 150 do redis.call('RPUSH', KEYS[1], i) redis.call('HSET', KEYS[2] .. i, 'msg', 'm', 'state', 'pending') end";
    await redis.eval(seed, 2, "asynq:{default}:pending", "asynq:{default}:t:");
    await redis.lset("asynq:{default}:pending", 5, "gone");
    await redis.lset("asynq:{default}:pending", 140, "gone");

    expect(await repaired(broker)).toEqual({ ...sound, dangling: 1, whole: false });
    expect(await redis.llen("asynq:{default}:pending")).toBe(149);
    expect(await repaired(broker)).toEqual({ ...sound, dangling: 1 });
    expect(await redis.llen("asynq:{default}:pending")).toBe(148);
  });

  test("calls a queue used that has nothing but a task in a group or in a set, and none for the names of its groups", async ({
    broker,
    redis,
  }) => {
    const used = async (): Promise<boolean> => (await repaired(broker)).inUse;
    await redis.sadd("asynq:{default}:groups", "empty");
    expect(await used()).toBe(false);
    await redis.zadd("asynq:{default}:g:empty", 1, "a");
    expect(await used()).toBe(true);
    await redis.del("asynq:{default}:g:empty");
    for (const index of ["aggregation_sets", "js:aggregated"]) {
      await redis.zadd(`asynq:{default}:${index}`, 1, "asynq:{default}:g:g:id");
      expect(await used()).toBe(true);
      await redis.del(`asynq:{default}:${index}`);
    }
    await redis.del("asynq:{default}:groups");
    await redis.set("asynq:{default}:groups", "in the way");
    expect(await used()).toBe(false);
  });

  test("takes an active task without a lease for lost, whatever it says, unless it is where it says", async ({
    broker,
    redis,
    keyspace,
  }) => {
    const states = {
      "not pending": { state: "pending" },
      "in its group": { state: "aggregating", group: "g" },
      "in no group": { state: "aggregating", group: "h" },
      "says nothing": {},
    };
    for (const [id, fields] of Object.entries(states)) {
      await redis.hset(`asynq:{default}:t:${id}`, { msg: "m", ...fields });
      await redis.rpush("asynq:{default}:active", id);
    }
    await redis.zadd("asynq:{default}:g:g", 1, "in its group");
    await redis.rpush("asynq:{default}:active", "leased");
    await redis.hset("asynq:{default}:t:leased", "msg", "m", "state", "pending");
    await redis.zadd("asynq:{default}:lease", startSec + 30, "leased");
    await redis.set("asynq:{default}:aggregation_sets", "in the way");

    expect(await repaired(broker)).toEqual({ ...sound, leased: 3, strays: 1 });

    expect(await keyspace()).toMatchObject({
      "asynq:{default}:active": ["not pending", "in no group", "says nothing", "leased"],
      "asynq:{default}:lease": {
        "not pending": String(startSec),
        "in no group": String(startSec),
        "says nothing": String(startSec),
        leased: String(startSec + 30),
      },
      "asynq:{default}:t:not pending": { state: "active" },
      "asynq:{default}:t:says nothing": { state: "active" },
      "asynq:{default}:t:leased": { state: "pending" },
    });
  });

  test("puts a leased task before the active ones, and makes one without a state say where it stands", async ({ broker, redis }) => {
    await redis.hset("asynq:{default}:t:a", "msg", "m", "state", "active");
    await redis.zadd("asynq:{default}:lease", startSec, "a", startSec, "b");
    await redis.rpush("asynq:{default}:active", "b");
    await redis.hset("asynq:{default}:t:b", "msg", "m", "state", "active");
    await redis.rpush("asynq:{default}:pending", "p");
    await redis.hset("asynq:{default}:t:p", "msg", "m");

    expect(await repaired(broker)).toEqual({ ...sound, reactivated: 1, restated: 1 });

    expect(await redis.lrange("asynq:{default}:active", 0, -1)).toEqual(["a", "b"]);
    expect(await redis.hget("asynq:{default}:t:p", "state")).toBe("pending");
  });

  test("looks for a pending task where the list of those is of the wrong kind as one that is not there", async ({ broker, redis }) => {
    await redis.hset("asynq:{default}:t:a", "msg", "m", "state", "pending");
    await redis.rpush("asynq:{default}:active", "a");
    await redis.set("asynq:{default}:pending", "in the way");

    expect(await repaired(broker)).toEqual({ ...sound, leased: 1 });
  });

  test.for([
    [1_001, ["sound", "sound", "sound"]],
    [66_667, ["sound", "sound", "unknown"]],
    [100_000, ["sound", "sound", "unknown"]],
    [200_001, ["sound", "unknown", "unknown"]],
  ] as const)(
    "in a pending list of %i looks for the first, and for others until it has looked at 200,000: %j",
    async ([size, looks], { broker, redis }) => {
      const seed = "for i = 1, ARGV[1] do redis.call('RPUSH', KEYS[1], i) end";
      await redis.eval(seed, 1, "asynq:{default}:pending", size);
      await redis.set("asynq:{default}:js:repair", `1:0:${startSec}`);
      for (const id of ["1", "2", "3"]) {
        await redis.hset(`asynq:{default}:t:${id}`, "msg", "m", "state", "pending");
        await redis.rpush("asynq:{default}:active", id);
      }

      expect(await repaired(broker)).toEqual({ ...sound, strays: looks.filter((look) => look === "sound").length });

      expect(await redis.llen("asynq:{default}:active")).toBe(looks.filter((look) => look === "unknown").length);
      expect(await redis.exists("asynq:{default}:lease")).toBe(0);
    },
  );

  test("leaves a task alone that is not where it says, where the look for it would take too long", async ({ broker, redis }) => {
    const seed = "for i = 1, 100000 do redis.call('RPUSH', KEYS[1], i) end";
    await redis.eval(seed, 1, "asynq:{default}:pending");
    await redis.set("asynq:{default}:js:repair", "4:0:");
    for (const id of ["1", "2", "3"]) {
      await redis.hset(`asynq:{default}:t:${id}`, "msg", "m", "state", "pending");
      await redis.zadd("asynq:{default}:scheduled", Number(id), id);
    }

    expect(await repaired(broker)).toEqual({ ...sound, strays: 2 });

    expect(await redis.zrange("asynq:{default}:scheduled", "0", "-1")).toEqual(["3"]);
    expect(await redis.hget("asynq:{default}:t:3", "state")).toBe("pending");
  });

  test("finds a task in any of ten groups, each time; of more groups it looks at ten, by chance", async ({ broker, redis }) => {
    const isUsed = async (): Promise<boolean> => (await repaired(broker)).inUse;
    const groups = (count: number): string[] => Array.from({ length: count }, (_, i) => `g${i}`);
    await redis.zadd("asynq:{default}:g:g7", 1, "a");

    await redis.sadd("asynq:{default}:groups", ...groups(10));
    expect(new Set(await Promise.all(groups(60).map(isUsed)))).toEqual(new Set([true]));
    // One of eleven is left out each time: that it never is this one in 400 times will not be seen.
    await redis.sadd("asynq:{default}:groups", ...groups(11));
    expect(new Set(await Promise.all(groups(400).map(isUsed)))).toEqual(new Set([true, false]));
  });
});
