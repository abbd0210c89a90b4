import { type Broker, correctedClock, dequeue, enqueue, makeBroker, RedisError, type RedisPort, Task } from "@asynqjs/core";
import { addCronEntry } from "@asynqjs/core/cron";
import { scanInvariants } from "@asynqjs/core/invariants";
import { manualClock, mortalRedis } from "@asynqjs/core/testing";
import { describe } from "vitest";
import { expect, startSec, test } from "../../../test/support/broker-test.ts";
import { type RunTicksOptions, runTicks, type TicksReport } from "./run-ticks.ts";

/** A port that fails the requests of these numbers, and passes every other. */
function failing(redis: RedisPort, sends: readonly number[]): RedisPort {
  let sent = 0;
  return {
    ...redis,
    send(commands, options) {
      if (sends.includes(++sent)) throw new RedisError("the connection failed", { delivered: "unknown" });
      return redis.send(commands, options);
    },
  };
}

describe("runTicks", () => {
  test("forwards, recovers and deletes what is over in all queues that were ever enqueued to", async ({ broker, aTask, clock, redis }) => {
    await enqueue(broker, [aTask({ taskId: "a", queue: "high" }), aTask({ taskId: "b", queue: "low", processInSec: 5 })]);
    await dequeue(broker, ["high"], 1);
    await redis.zadd("asynq:{low}:completed", 1, "c");
    await redis.hset("asynq:{low}:t:c", "msg", "m", "state", "completed");
    await clock.advance(61_000);

    expect(await runTicks(broker)).toMatchObject({
      forward: { forwarded: 1 },
      recover: { recovered: 1 },
      janitor: { expired: 1 },
      repair: { leased: 0 },
      failed: [],
      more: false,
    });

    expect(await redis.hget("asynq:{high}:t:a", "state")).toBe("retry");
    expect(await redis.hget("asynq:{low}:t:b", "state")).toBe("pending");
  });

  test("goes by Redis' clock where the machine's is off, and refuses one that is five minutes off", async ({ broker, aTask, redis }) => {
    const [redisSec] = await redis.time();
    await enqueue(broker, [aTask({ taskId: "a", processAt: new Date((Number(redisSec) - 5) * 1000), queue: "q" })]);
    await redis.lrem("asynq:{q}:pending", 0, "a");
    await redis.zadd("asynq:{q}:scheduled", Number(redisSec) - 5, "a");
    const off = (byMs: number) => ({ ...broker, clock: correctedClock(manualClock(Number(redisSec) * 1000 + byMs)) });

    await expect(runTicks(off(-310_000))).rejects.toMatchObject({ code: "CLOCK_SKEW" });
    expect(await runTicks(off(-60_000), { ticks: ["forward"] })).toMatchObject({ forward: { forwarded: 1 } });
  });

  test("keeps to the ticks and queues it is told", async ({ broker, aTask, clock }) => {
    await enqueue(broker, [aTask({ queue: "high", processInSec: 5 }), aTask({ queue: "low", processInSec: 5 })]);
    await clock.advance(5_000);

    expect(await runTicks(broker, { ticks: ["forward"], queues: ["low"] })).toEqual({
      forward: expect.objectContaining({ forwarded: 1 }),
      failed: [],
      more: false,
      nextSec: undefined,
      requests: expect.any(Number),
    });
  });

  test("tells when the next of what waits is due", async ({ broker, aTask }) => {
    await enqueue(broker, [aTask({ processInSec: 90 }), aTask({ queue: "low", processInSec: 70 })]);

    expect(await runTicks(broker)).toMatchObject({ nextSec: startSec + 70 });
  });

  test("aggregates where it is given an aggregator", async ({ broker, aTask, clock, redis }) => {
    await enqueue(broker, [aTask({ group: "g" }), aTask({ group: "g" })]);
    await clock.advance(60_000);

    expect(await runTicks(broker)).not.toHaveProperty("aggregate");
    const report = await runTicks(broker, { aggregate: { aggregator: () => new Task("joined", undefined, { taskId: "joined" }) } });

    expect(report).toMatchObject({ aggregate: { sets: 1, aggregated: 2 }, failed: [] });
    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["joined"]);
  });

  test("fires the slots of cron entries that are due, each once, of the queues it serves", async ({ broker, other, clock, redis }) => {
    const entry = { spec: "* * * * *", type: "report" };
    await addCronEntry(broker, { ...entry, id: "hourly", spec: "@hourly" });
    await addCronEntry(broker, { ...entry, id: "here" });
    await addCronEntry(broker, { ...entry, id: "there", queue: "low" });
    // Five past four, a minute later than it begins.
    await clock.advance(60_000);
    const slot = startSec + 55;

    expect(await runTicks(broker, { queues: ["default"] })).toMatchObject({ schedule: { fired: 1 }, nextSec: slot + 60, failed: [] });
    expect(await runTicks(other)).toMatchObject({ schedule: { fired: 1 }, failed: [] });
    expect(await runTicks(broker)).toMatchObject({ schedule: { fired: 0 } });

    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual([`here:${slot}`]);
    expect(await redis.lrange("asynq:{low}:pending", 0, -1)).toEqual([`there:${slot}`]);
  });

  test.for<RunTicksOptions>([
    { ticks: ["fly" as "forward"] },
    { ticks: ["aggregate"] },
    { timetable: { forward: { everySec: 0, share: 0 } } },
    { timetable: { fly: { everySec: 0, share: 1 } } as object },
    { budgetMs: -1 },
    { everyMs: 0 },
    { maxRequests: 0 },
  ])("refuses %o before any I/O", async (options, { broker, port }) => {
    await expect(runTicks(broker, options)).rejects.toMatchObject({ code: "INVALID_OPTION" });
    expect(port.sent).toEqual([]);
  });
});

describe("a tick that fails", () => {
  test("is named, and holds up no other", async ({ broker, aTask, clock, redis }) => {
    await enqueue(broker, [aTask({ taskId: "due", processInSec: 5 }), aTask({ taskId: "lost" })]);
    await dequeue(broker, ["default"], 1);
    await clock.advance(61_000);

    // The first request asks for the queues, the second for the cron entries, the third forwards.
    const report = await runTicks({ ...broker, redis: failing(broker.redis, [3]) });

    expect(report.failed).toMatchObject([{ tick: "forward", error: { code: "REDIS" } }]);
    expect(report).toMatchObject({ recover: { recovered: 1 }, janitor: {}, repair: {} });
    expect(report).not.toHaveProperty("forward");
    expect(await redis.zcard("asynq:{default}:retry")).toBe(1);
    expect(await runTicks(broker)).toMatchObject({ forward: { forwarded: 1 }, failed: [] });
  });

  test("in one queue is named with it, while the others are served", async ({ broker, aTask, clock, redis }) => {
    await enqueue(broker, [aTask({ queue: "broken", processInSec: 1 }), aTask({ queue: "open", processInSec: 1 })]);
    await redis.set("asynq:{broken}:pending", "in the way");
    await clock.advance(1_000);

    const { forward, failed } = await runTicks(broker, { ticks: ["forward"] });

    expect(forward).toMatchObject({ forwarded: 1 });
    expect(failed).toMatchObject([{ tick: "forward", queue: "broken", error: { reply: "WRONGTYPE" } }]);
  });

  test("in one cron entry is named with it, while the others are fired", async ({ broker, clock, redis }) => {
    for (const id of ["broken", "sound"]) await addCronEntry(broker, { id, spec: "* * * * *", type: "t" });
    await redis.del("asynq:{default}:js:cron:broken");
    await redis.set("asynq:{default}:js:cron:broken", "in the way");
    await clock.advance(60_000);

    const { schedule, failed } = await runTicks(broker, { ticks: ["schedule"] });

    expect(schedule).toMatchObject({ fired: 1 });
    expect(failed).toMatchObject([{ tick: "schedule", queue: "default", entry: "broken", error: { reply: "WRONGTYPE" } }]);
  });

  test("in cron entries that cannot be read is named with each", async ({ broker, clock, redis }) => {
    await redis.hset("asynq:js:cron", { one: 'v\n{"id":"one"', other: 'v\n{"id":"other"' });

    const ran = runTicks(broker, { ticks: ["schedule"], everyMs: 1_000, budgetMs: 2_500 });
    const { failed } = await passTime(ran, clock, 3);

    expect(failed.map(({ error }) => error.message).sort()).toEqual(
      ["one", "other"].map((id) => expect.stringContaining(`the cron entry "${id}"`)),
    );
  });

  test("is told once, however often it failed in that run", async ({ broker, clock, redis }) => {
    await redis.sadd("asynq:queues", "broken");
    await redis.set("asynq:{broken}:pending", "in the way");

    const ran = runTicks(broker, { ticks: ["forward"], everyMs: 1_000, budgetMs: 3_500 });
    const { failed } = await passTime(ran, clock, 4);

    expect(failed).toHaveLength(1);
  });
});

/** Lets so many seconds pass, each once the ticks wait for it: what they do between is real I/O. */
async function passTime(ran: Promise<TicksReport>, clock: { waiting: number; advance(ms: number): Promise<void> }, seconds: number) {
  for (let second = 1; second <= seconds; second++) {
    while (clock.waiting === 0 && (await Promise.race([ran.then(() => false), new Promise((resolve) => setImmediate(resolve, true))]))) {}
    await clock.advance(1_000);
  }
  return ran;
}

describe("the budget", () => {
  test("is worked off again and again within the minute where the platform's grain is too coarse", async ({ broker, aTask, clock }) => {
    await enqueue(broker, [aTask({ processInSec: 2 }), aTask({ processInSec: 4 }), aTask({ processInSec: 60 })]);

    const ran = runTicks(broker, { ticks: ["forward"], everyMs: 1_000, budgetMs: 5_500 });

    expect(await passTime(ran, clock, 6)).toMatchObject({ forward: { forwarded: 2 }, more: false, nextSec: startSec + 60 });
  });

  test("finds in a later round of the same run the queue that is new", async ({ broker, other, aTask, clock, redis }) => {
    const ran = runTicks(broker, { everyMs: 1_000, budgetMs: 2_500 });
    await enqueue(other, [aTask({ taskId: "new", queue: "new", processInSec: 1 })]);

    await passTime(ran, clock, 3);

    expect(await redis.lrange("asynq:{new}:pending", 0, -1)).toEqual(["new"]);
  });

  test("is shared by the ticks: one with more to do than time keeps none from its turn, and is the only one to have another", async ({
    broker,
    aTask,
    clock,
  }) => {
    await enqueue(
      broker,
      Array.from({ length: 1_000 }, (_, i) => aTask({ taskId: `t${i}`, processInSec: 1 })),
    );
    await enqueue(broker, [aTask({ taskId: "lost", queue: "low" })]);
    await dequeue(broker, ["low"], 1);
    await clock.advance(61_000);
    // Every request takes a second.
    const slow: Broker = {
      ...broker,
      redis: {
        ...broker.redis,
        async send(commands, options) {
          await clock.advance(1_000);
          return broker.redis.send(commands, options);
        },
      },
    };

    const report = await runTicks(slow, { ticks: ["forward", "recover"], budgetMs: 10_000 });

    // One to begin with; six of the nine seconds left are forward's, then recover's three, in which it ends.
    expect(report).toMatchObject({ recover: { recovered: 1, more: false }, more: true });
    expect(report.forward!.forwarded).toBeLessThan(1_000);
    expect(report.forward!.more).toBe(true);
    expect(await runTicks(slow, { ticks: ["forward"], budgetMs: 60_000 })).toMatchObject({ more: false });
  });

  test("that is spent, and a signal, leave everything for the next run", async ({ broker, aTask, clock }) => {
    await enqueue(broker, [aTask({ processInSec: 1 })]);
    await clock.advance(1_000);

    for (const spent of [{ budgetMs: 0 }, { signal: AbortSignal.abort() }])
      expect(await runTicks(broker, spent)).toMatchObject({ forward: { forwarded: 0, more: true }, failed: [], more: true });
    expect(await runTicks(broker)).toMatchObject({ forward: { forwarded: 1 }, more: false });
  });

  test("of requests is shared like time, and bounds a run that has more to do", async ({ broker, aTask, clock }) => {
    await enqueue(
      broker,
      Array.from({ length: 3_000 }, (_, i) => aTask({ taskId: `t${i}`, processInSec: 1 })),
    );
    await clock.advance(1_000);
    await runTicks(broker, { queues: ["warm"] });

    const report = await runTicks(broker, { maxRequests: 10 });

    expect(report).toMatchObject({ more: true, failed: [], recover: { more: false } });
    expect(report.requests).toBeLessThanOrEqual(12);
    let runs = 1;
    for (let more = true; more; runs++) ({ more } = await runTicks(broker, { maxRequests: 10 }));
    expect(runs).toBeLessThan(30);
    expect(await runTicks(broker)).toMatchObject({ forward: { forwarded: 0 }, more: false });
  });
});

describe("the timetable", () => {
  const rare = (report: TicksReport): string[] => ["janitor", "repair"].filter((tick) => tick in report);

  test("has the rare ticks run every five minutes, whoever runs them, and the others each time", async ({
    broker,
    other,
    clock,
    redis,
  }) => {
    await redis.sadd("asynq:queues", "default");
    const ran: string[][] = [];
    for (let minute = 0; minute <= 10; minute++) {
      const report = await runTicks(makeBroker(minute % 2 === 0 ? broker : other));
      expect(report).toMatchObject({ forward: {}, recover: {} });
      ran.push(rare(report));
      await clock.advance(60_000);
    }

    expect(ran.map((ticks) => ticks.length)).toEqual([2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2]);
    expect(await redis.hgetall("asynq:js:ticks")).toEqual({ janitor: String(startSec + 600), repair: String(startSec + 600) });
  });

  test("has a tick that failed, or has work left, run the next time again", async ({ broker, clock, redis }) => {
    await redis.sadd("asynq:queues", "default");
    await redis.zadd("asynq:{default}:completed", 1, "a");

    expect((await runTicks(broker, { budgetMs: 0 })).more).toBe(true);
    // The first asks for the queues, then schedule's, forward's, recover's two, and the janitor's.
    expect((await runTicks({ ...broker, redis: failing(broker.redis, [6]) })).failed).toMatchObject([{ tick: "janitor" }]);
    expect(rare(await runTicks(broker))).toEqual(["janitor"]);
    await clock.advance(60_000);
    expect(rare(await runTicks(broker))).toEqual([]);
  });

  test("is kept apart for those who serve some queues alone, and can be another", async ({ broker, clock }) => {
    const timetable = { repair: { everySec: 3_600, share: 1 } };
    expect(rare(await runTicks(broker, { queues: ["b", "a"] }))).toEqual(["janitor", "repair"]);
    expect(rare(await runTicks(broker, { queues: ["a", "b"] }))).toEqual([]);
    expect(rare(await runTicks(broker))).toEqual(["janitor", "repair"]);
    await clock.advance(600_000);
    expect(rare(await runTicks(broker, { timetable }))).toEqual(["janitor"]);
  });

  test("has recover run a few times a minute where runs come faster", async ({ broker, clock }) => {
    const lastSecs = new Map();
    const ran: boolean[] = [];
    for (let sec = 0; sec < 60; sec += 5) {
      ran.push("recover" in (await runTicks(broker, { lastSecs })));
      await clock.advance(5_000);
    }
    expect(ran.filter(Boolean)).toHaveLength(4);
    expect("recover" in (await runTicks(broker, { ticks: ["recover"], lastSecs }))).toBe(true);
  });
});

interface DayFixtures {
  /** An empty Redis gets something for every tick to do, in two queues. */
  readonly seed: () => Promise<void>;
  /** In which state each task is. */
  readonly states: () => Promise<unknown>;
}

const dayTest = test.extend<DayFixtures>({
  seed: async ({ other, aTask, clock, redis }, use) =>
    use(async () => {
      await redis.flushdb();
      const broker = makeBroker(other);
      for (const queue of ["default", "low"]) {
        await enqueue(broker, [
          aTask({ taskId: "lost", queue }),
          ...Array.from({ length: 101 }, (_, i) => aTask({ taskId: `due-${i}`, queue, processInSec: 5 })),
        ]);
        await dequeue(broker, [queue], 1);
        await redis.hset(`asynq:{${queue}}:t:over`, "msg", "m", "state", "completed");
        await redis.zadd(`asynq:{${queue}}:completed`, 1, "over");
        await redis.lpush(`asynq:{${queue}}:active`, "nobody");
        await addCronEntry(broker, { id: `every-minute-${queue}`, spec: "* * * * *", type: "t", queue });
      }
      await clock.advance(61_000);
    }),
  states: async ({ redis }, use) =>
    use(async () => {
      const keys = (await redis.keys("asynq:{*}:t:*")).sort();
      // Each time it is another minute.
      return Promise.all(keys.map(async (key) => [key.replace(/(?<=every-minute-\w+:)\d+/, "<slot>"), await redis.hget(key, "state")]));
    }),
});

describe("runs that are killed, missed or doubled", () => {
  for (const loses of ["request", "reply"] as const) {
    dayTest(`killed after any of its calls, the last ${loses} lost: the next run completes it`, async ({ broker, other, seed, states }) => {
      await seed();
      await runTicks(other);
      const end = await states();
      let kills = 0;
      for (let killed = true; killed; kills++) {
        await seed();
        killed = await runTicks({ ...broker, redis: mortalRedis(broker.redis, kills, loses) }).then(
          ({ failed }) => failed.length > 0,
          () => true,
        );
        expect(await runTicks(makeBroker(other))).toMatchObject({ failed: [], more: false });
        expect(await states(), `killed after ${kills} calls`).toEqual(end);
        expect((await scanInvariants(other.redis)).findings, `killed after ${kills} calls`).toEqual([]);
      }
      expect(kills).toBeGreaterThan(8);
    });
  }

  dayTest("five at once leave what one leaves", async ({ broker, other, seed, states, redis }) => {
    const ends: unknown[] = [];
    for (const copies of [1, 5]) {
      await seed();
      const reports = await Promise.all(Array.from({ length: copies }, (_, i) => runTicks(makeBroker(i % 2 === 0 ? broker : other))));
      expect(reports.flatMap(({ failed }) => failed)).toEqual([]);
      expect(reports.reduce((sum, { forward }) => sum + forward!.forwarded, 0)).toBe(202);
      ends.push([await states(), await redis.llen("asynq:{low}:pending")]);
    }
    expect(ends[1]).toEqual(ends[0]);
    expect((await scanInvariants(other.redis)).findings).toEqual([]);
  });

  test("a day of missed runs is caught up with by one", async ({ broker, aTask, clock, redis }) => {
    const minutes = 24 * 60;
    await enqueue(
      broker,
      Array.from({ length: minutes }, (_, i) =>
        aTask({ taskId: `at-${i}`, queue: i % 2 === 0 ? "even" : "odd", processInSec: (i + 1) * 60 }),
      ),
    );
    await enqueue(
      broker,
      Array.from({ length: 150 }, (_, i) => aTask({ taskId: `lost-${i}`, queue: "even" })),
    );
    for (let taken = 0; taken < 150; ) taken += (await dequeue(broker, ["even"], 100)).tasks.length;
    for (let i = 0; i < 250; i++) {
      await redis.zadd("asynq:{odd}:completed", startSec + 60 + i, `over-${i}`);
      await redis.hset(`asynq:{odd}:t:over-${i}`, "msg", "m", "state", "completed");
    }
    await runTicks(broker);
    await clock.advance(minutes * 60_000);

    expect(await runTicks(broker)).toMatchObject({
      forward: { forwarded: minutes },
      recover: { recovered: 150 },
      janitor: { expired: 250 },
      failed: [],
      more: false,
    });

    // The longest due are taken first.
    expect((await dequeue(broker, ["even"], 3)).tasks.map(({ id }) => id)).toEqual(["at-0", "at-2", "at-4"]);
  });
});
