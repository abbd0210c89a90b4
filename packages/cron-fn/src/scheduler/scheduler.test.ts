import { RedisError, type RedisPort, Task } from "@asynqjs/core";
import { addCronEntry } from "@asynqjs/core/cron";
import { decodeSchedulerEnqueueEvent, decodeSchedulerEntry, goZeroTimeNs } from "@asynqjs/core/wire";
import { knowScripts } from "../../../../test/support/known-scripts.ts";
import { describe, expect, test as serverTest, startMs, until } from "../../../../test/support/server-test.ts";
import type { RedisSource } from "./redis-source.ts";
import { Scheduler } from "./scheduler.ts";
import type { SchedulerOptions } from "./scheduler-options.ts";

// 03:04:05 on the 2nd of January 2040.
const sec = (hours: number, minutes: number, seconds = 0): number => Date.UTC(2040, 0, 2, hours, minutes, seconds) / 1000;

knowScripts();

const test = serverTest.extend<{
  readonly makeScheduler: (options?: SchedulerOptions, redis?: RedisSource) => Scheduler;
  readonly pending: (queue?: string) => Promise<string[]>;
}>({
  makeScheduler: async ({ port, clock, log }, use) => {
    const made: Scheduler[] = [];
    const line =
      (level: string) =>
      (message: string, details?: object): void =>
        void log.push(`${level} ${message}${details === undefined ? "" : ` ${JSON.stringify(details)}`}`);
    const logger = { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
    await use((options = {}, redis = port) => {
      const scheduler = new Scheduler(redis, { clock, logger, logLevel: "debug", ...options });
      made.push(scheduler);
      return scheduler;
    });
    for (const scheduler of made) await scheduler.shutdown();
  },
  pending: async ({ redis }, use) => use(async (queue = "default") => (await redis.lrange(`asynq:{${queue}}:pending`, 0, -1)).reverse()),
});

describe("a scheduler", () => {
  test("enqueues a task at each slot of its entry, with the options of both", async ({ makeScheduler, pass, pending, message }) => {
    const scheduler = makeScheduler();
    const id = scheduler.register("* * * * *", new Task("report", { n: 1 }, { maxRetry: 3, headers: { a: "1" } }), {
      queue: "low",
      timeoutSec: 60,
      headers: { b: "2" },
    });

    await scheduler.start();
    await pass(54_000);
    expect(await pending("low")).toEqual([]);
    await pass(2 * 60_000);

    expect(await pending("low")).toEqual([`${id}:${sec(3, 5)}`, `${id}:${sec(3, 6)}`]);
    expect(await message(`${id}:${sec(3, 6)}`, "low")).toMatchObject({
      type: "report",
      retry: 3,
      timeoutSec: 60,
      headers: { a: "1", b: "2" },
    });
  });

  test("enqueues each slot once, though another process registered the same", async ({ makeScheduler, pass, pending }) => {
    const ids = [makeScheduler(), makeScheduler(), makeScheduler()].map((scheduler) => {
      void scheduler.start();
      return scheduler.register("@every 90s", new Task("report"));
    });

    await pass(10 * 60_000);

    const [id] = ids;
    expect(ids).toEqual([id, id, id]);
    // Counted from 1970, so that the three agree.
    const slots = Array.from({ length: 10 }, (_, i) => Math.ceil(startMs / 90_000 + i) * 90).filter((slot) => slot <= startMs / 1000 + 600);
    expect(slots.length).toBeGreaterThan(5);
    expect(await pending()).toEqual(slots.map((slot) => `${id}:${slot}`));
  });

  test.for([
    ["skip", []],
    ["one", [sec(3, 14)]],
    ["all", Array.from({ length: 10 }, (_, i) => sec(3, 5 + i))],
  ] as const)(
    "catches up %s of what was missed while none was up",
    async ([catchUp, caughtUp], { makeScheduler, pass, clock, pending }) => {
      const first = makeScheduler();
      const id = first.register("* * * * *", new Task("report"), { catchUp });
      await first.start();
      await pass(1_000);
      await first.shutdown();

      // To 03:16:06, so that 03:15 and 03:16 are on time.
      clock.jump(12 * 60_000);
      const second = makeScheduler();
      second.register("* * * * *", new Task("report"), { catchUp });
      await second.start();
      await pass(1_000);

      expect(await pending()).toEqual([...caughtUp, sec(3, 15), sec(3, 16)].map((slot) => `${id}:${slot}`));
    },
  );

  test("enqueues nothing of the time before it was started", async ({ makeScheduler, pass, clock, pending }) => {
    const scheduler = makeScheduler();
    const id = scheduler.register("* * * * *", new Task("report"), { catchUp: "all" });
    clock.jump(10 * 60_000);

    await scheduler.start();
    await pass(60_000);

    expect(await pending()).toEqual([`${id}:${sec(3, 15)}`]);
  });

  test("takes entries that are registered and unregistered while it runs", async ({ makeScheduler, pass, pending }) => {
    const scheduler = makeScheduler();
    await scheduler.start();
    await pass(1_000);
    const id = scheduler.register("*/10 * * * * *", new Task("report"));
    await pass(10_000);

    scheduler.unregister(id);
    await pass(60_000);

    expect(await pending()).toEqual([`${id}:${sec(3, 4, 10)}`]);
    expect(() => scheduler.unregister(id)).toThrow(expect.objectContaining({ code: "CRON_ENTRY_NOT_FOUND" }));
  });

  test("to another queue takes an entry from now on: no slot is enqueued in both", async ({ makeScheduler, pass, pending }) => {
    const scheduler = makeScheduler();
    const of = { entryId: "report", catchUp: "all" } as const;
    scheduler.register("* * * * *", new Task("report"), { ...of, queue: "low" });
    await scheduler.start();
    await pass(3 * 60_000);
    const low = [sec(3, 5), sec(3, 6), sec(3, 7)].map((slot) => `report:${slot}`);
    expect(await pending("low")).toEqual(low);

    scheduler.register("* * * * *", new Task("report"), { ...of, queue: "high" });
    await pass(60_000);

    expect(await pending("high")).toEqual([`report:${sec(3, 8)}`]);
    expect(await pending("low")).toEqual(low);
  });

  test("leaves an entry in Redis alone whose id it was given, and says so", async ({
    makeScheduler,
    broker,
    redis,
    pass,
    pending,
    log,
  }) => {
    await addCronEntry(broker, { id: "report", spec: "@hourly", type: "report" });
    const scheduler = makeScheduler();
    scheduler.register("* * * * *", new Task("report"), { entryId: "report" });
    await scheduler.start();

    await pass(3 * 60_000);

    expect(await pending()).toEqual([]);
    expect(await redis.ttl("asynq:{default}:js:cron:report")).toBe(-1);
    expect(log.filter((line) => line.startsWith("error"))).toContain(
      'error Scheduler cannot serve an entry {"entry":"report","error":"its id is, or was, that of an entry in Redis"}',
    );
  });

  test("is told where an entry of its id was added to Redis while it runs, and enqueues nothing more of its own", async ({
    makeScheduler,
    broker,
    pass,
    pending,
    log,
  }) => {
    const scheduler = makeScheduler();
    scheduler.register("* * * * *", new Task("report"), { entryId: "report" });
    await scheduler.start();
    await pass(60_000);
    expect(await pending()).toEqual([`report:${sec(3, 5)}`]);

    await addCronEntry(broker, { id: "report", spec: "@hourly", type: "report" });
    await pass(3 * 60_000);

    expect(await pending()).toEqual([`report:${sec(3, 5)}`]);
    expect(log).toContainEqual(expect.stringMatching(/^error Scheduler could not enqueue .*cron entry exists/));
  });

  test("reads specs in its location", async ({ makeScheduler, pass, pending }) => {
    const scheduler = makeScheduler({ location: "Asia/Kathmandu" });
    // 03:05 UTC is 08:50 there.
    const there = scheduler.register("50 8 * * *", new Task("report"));
    const here = scheduler.register("TZ=UTC 5 3 * * *", new Task("report"));

    await scheduler.start();
    await pass(60_000);

    expect((await pending()).sort()).toEqual([`${there}:${sec(3, 5)}`, `${here}:${sec(3, 5)}`].sort());
  });

  test("calls its hooks before and after, and the last one with what went wrong", async ({ makeScheduler, pass, redis }) => {
    const said: unknown[] = [];
    const scheduler = makeScheduler({
      preEnqueueFunc: (task, options) => said.push(["before", task.type, options.taskId]),
      postEnqueueFunc: (info, error) => {
        said.push(["after", info?.id, (error as { code?: string } | undefined)?.code]);
        throw new Error("a hook stops nothing");
      },
      enqueueErrorHandler: (task, options, error) => said.push(["failed", task.type, options.queue, error.message]),
    });
    const id = scheduler.register("* * * * *", new Task("report"), { uniqueTtlSec: 90 });
    await scheduler.start();

    await pass(2 * 60_000);

    const [first, second] = [`${id}:${sec(3, 5)}`, `${id}:${sec(3, 6)}`];
    expect(said).toEqual([
      ["before", "report", first],
      ["after", first, undefined],
      ["before", "report", second],
      ["after", undefined, "DUPLICATE_TASK"],
      ["failed", "report", "default", expect.stringContaining("task already exists")],
    ]);
    expect(await redis.llen("asynq:{default}:pending")).toBe(1);
  });

  test("tells Asynq's tools of its entries while it is up, and of what it enqueued", async ({ makeScheduler, pass, redis }) => {
    const scheduler = makeScheduler();
    const id = scheduler.register("* * * * *", new Task("report", "p"), { maxRetry: 1 });
    await scheduler.start();
    const entries = async (): Promise<unknown[]> => {
      const [key] = await redis.zrange("asynq:schedulers", "0", "-1");
      const list = key === undefined ? [] : await redis.lrangeBuffer(key, 0, -1);
      return list.map((bytes) => decodeSchedulerEntry(bytes, "an entry"));
    };
    const ns = (seconds: number): bigint => BigInt(seconds) * 1_000_000_000n;
    await pass(1_000);
    const entry = { id, spec: "* * * * *", taskType: "report", enqueueOptions: ["MaxRetry(1)", 'Queue("default")'] };

    expect(await entries()).toMatchObject([{ ...entry, nextEnqueueAtNs: ns(sec(3, 5)), prevEnqueueAtNs: goZeroTimeNs }]);
    await pass(60_000);
    expect(await entries()).toMatchObject([{ ...entry, nextEnqueueAtNs: ns(sec(3, 6)), prevEnqueueAtNs: ns(sec(3, 5)) }]);
    const [event] = await redis.zrangeBuffer(`asynq:scheduler_history:${id}`, "0", "-1");
    expect(decodeSchedulerEnqueueEvent(event!, "an event")).toEqual({ taskId: `${id}:${sec(3, 5)}`, enqueuedAtNs: ns(sec(3, 5)) });

    await scheduler.shutdown();
    expect(await entries()).toEqual([]);
    expect(await redis.zcard(`asynq:scheduler_history:${id}`)).toBe(1);
  });

  test("tells of nothing more once its last entry is gone", async ({ makeScheduler, pass, redis }) => {
    const scheduler = makeScheduler();
    const id = scheduler.register("* * * * *", new Task("report"));
    await scheduler.start();
    await pass(1_000);
    expect(await redis.zcard("asynq:schedulers")).toBe(1);

    scheduler.unregister(id);
    await pass(1_000);

    expect(await redis.zcard("asynq:schedulers")).toBe(0);
  });

  test("starts without Redis, and enqueues what was due meanwhile as soon as it is there", async ({
    makeScheduler,
    port,
    pass,
    pending,
    log,
  }) => {
    let away = true;
    const scheduler = makeScheduler(
      {},
      flaky(port, () => away),
    );
    const id = scheduler.register("*/30 * * * * *", new Task("report"));
    await scheduler.start();
    await pass(60_000);
    expect(log.some((line) => line.startsWith("error Scheduler could not reach redis"))).toBe(true);

    away = false;
    await pass(1_000);

    expect(await pending()).toEqual([`${id}:${sec(3, 4, 30)}`, `${id}:${sec(3, 5)}`]);
  });

  test("goes on when its claims are lost, with nothing of the past", async ({ makeScheduler, redis, pass, pending, log }) => {
    const scheduler = makeScheduler();
    const id = scheduler.register("* * * * *", new Task("report"), { catchUp: "all" });
    await scheduler.start();
    await pass(60_000);
    await redis.flushdb();

    await pass(60_000);

    expect(await pending()).toEqual([`${id}:${sec(3, 6)}`]);
    expect(log.some((line) => line.startsWith("warn claims of entries were gone"))).toBe(true);
  });

  test("keeps its claims for as long as it is up", async ({ makeScheduler, redis, pass, clock, quiet }) => {
    const scheduler = makeScheduler({ heartbeatIntervalMs: 3_600_000 });
    const id = scheduler.register("@yearly", new Task("report"));
    await scheduler.start();
    await pass(1_000);
    const ttlSec = (): Promise<number> => redis.ttl(`asynq:{default}:js:cron:${id}`);
    const days90 = 90 * 24 * 3600;
    expect(await ttlSec()).toBeGreaterThan(days90 - 60);
    await redis.expire(`asynq:{default}:js:cron:${id}`, 60);

    for (let hour = 0; hour < 25; hour++) {
      await clock.advance(3_600_000);
      await quiet();
    }

    expect(await ttlSec()).toBeGreaterThan(days90 - 60);
  });

  test("run ends at SIGTERM", async ({ makeScheduler }) => {
    const before = process.listenerCount("SIGTERM");
    const scheduler = makeScheduler();
    const ran = scheduler.run();
    await until(() => process.listenerCount("SIGTERM") === before + 1);

    process.emit("SIGTERM");

    await ran;
    expect([scheduler.state, process.listenerCount("SIGTERM")]).toEqual(["closed", before]);
  });

  test("connects by a URI, and closes what it made", async ({ makeScheduler, redisUrl, redis, clock }) => {
    const scheduler = makeScheduler({}, redisUrl);
    const id = scheduler.register("* * * * * *", new Task("report"));
    await scheduler.start();
    await scheduler.ping();

    await until(async () => {
      await clock.advance(100);
      return (await redis.lrange("asynq:{default}:pending", 0, -1)).some((task) => task.startsWith(id));
    });
    await scheduler.shutdown();
    await scheduler.ping();
  });

  test("cannot be started twice", async ({ makeScheduler }) => {
    const scheduler = makeScheduler();
    await scheduler.start();
    await expect(scheduler.start()).rejects.toThrow("asynq: the scheduler is already running");
    await scheduler.shutdown();
    await expect(scheduler.start()).rejects.toThrow("asynq: the scheduler has already been stopped");
  });

  test.for<[string, () => unknown, string]>([
    ["a spec", () => aScheduler().register("61 * * * *", new Task("t")), "CRON_SPEC"],
    ["no task", () => aScheduler().register("@daily", {} as Task), "INVALID_OPTION"],
    ["a task id", () => aScheduler().register("@daily", new Task("t", "", { taskId: "a" })), "INVALID_OPTION"],
    ["a fixed time", () => aScheduler().register("@daily", new Task("t"), { processAt: new Date() } as object), "INVALID_OPTION"],
    ["an overlap", () => aScheduler().register("@daily", new Task("t"), { overlap: "maybe" as "skip" }), "INVALID_OPTION"],
    ["a location", () => new Scheduler("redis://127.0.0.1:1", { location: "Mars/Base" }), "CRON_SPEC"],
    ["a heartbeat", () => new Scheduler("redis://127.0.0.1:1", { heartbeatIntervalMs: 0 }), "INVALID_OPTION"],
    ["a hook", () => new Scheduler("redis://127.0.0.1:1", { postEnqueueFunc: "no" as never }), "INVALID_OPTION"],
    ["a source", () => new Scheduler({} as RedisPort), "INVALID_OPTION"],
    ["a URI", () => new Scheduler("http://127.0.0.1"), "INVALID_OPTION"],
  ])("refuses %s that cannot be used, before any I/O", ([, refused, code]) => {
    expect(refused).toThrow(expect.objectContaining({ code }));
  });
});

function aScheduler(): Scheduler {
  return new Scheduler("redis://127.0.0.1:1");
}

/** Redis, away as long as that is so. */
function flaky(port: RedisPort, isAway: () => boolean): RedisPort {
  return {
    ...port,
    async send(commands, options) {
      if (isAway()) throw new RedisError("away", { delivered: "no" });
      return port.send(commands, options);
    },
  };
}
