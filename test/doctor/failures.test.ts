/** What can go wrong, scripted on a real Redis with real servers: the doctor names the cause of each, and of nothing else. */
import { type Clock, dequeue, makeBroker, pauseQueue, systemRandom, writeServerState } from "@asynqjs/core";
import { addCronEntry } from "@asynqjs/core/cron";
import { type DiagnosisCode, type Examination, type ExamineOptions, examine } from "@asynqjs/core/doctor";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { encodeServerInfo } from "@asynqjs/core/wire";
import { runTicks } from "@asynqjs/cron-fn";
import { ServeMux } from "@asynqjs/worker-node";
import { Redis } from "ioredis";
import { beforeEach } from "vitest";
import { useOwnRedis } from "../support/redis-test.ts";
import { test as base, byClock, describe, expect, gate, until } from "../support/server-test.ts";

useOwnRedis();

const minute = 60_000;

interface DoctorFixtures {
  /** Redis' clock being that of the test, and with it the machine's; while it watches a queue, no more happens than it is given to. */
  readonly look: (options?: LookOptions) => Promise<Examination>;
  /** Lets so much time pass; servers see the last minute of it, in which each tells of itself. */
  readonly later: (ms: number) => Promise<void>;
  /** What is told, as `code subject`. */
  readonly told: (options?: LookOptions) => Promise<string[]>;
}

interface LookOptions extends ExamineOptions {
  readonly ignore?: readonly DiagnosisCode[];
  readonly meanwhile?: () => Promise<unknown>;
}

/** The Redis of these tests may be older than its last fix: that is told in a test of its own. */
const ignore: readonly DiagnosisCode[] = ["redis-unpatched"];

/** A clock whose pauses are over as soon as that is done. */
function watching({ nowMs, monotonicMs }: Clock, meanwhile: () => Promise<unknown> = async () => {}): Clock {
  return {
    nowMs,
    monotonicMs,
    after(_, then) {
      void meanwhile().then(then);
      return () => {};
    },
  };
}

const test = base.extend<DoctorFixtures>({
  look: async ({ port, clock }, use) =>
    use(({ meanwhile, ...options } = {}) => {
      const redis = byClock(port, () => clock.nowMs());
      return examine(makeBroker({ redis, clock: watching(clock, meanwhile), random: systemRandom }), { ignore, ...options });
    }),
  later: async ({ clock, pass }, use) =>
    use(async (ms) => {
      clock.jump(ms - minute - 1_000);
      await pass(minute + 1_000);
    }),
  told: async ({ look }, use) =>
    use(async (options) => (await look(options)).diagnoses.map(({ code, subject: { kind, name } }) => `${code} ${name ?? kind}`)),
});

/** What a careful operator sets. */
const settings = { "maxmemory-policy": "noeviction", maxmemory: "0", appendonly: "yes", appendfsync: "everysec" } as const;

beforeEach<DoctorFixtures & { readonly redis: Redis }>(async ({ redis }) => {
  for (const [name, value] of Object.entries(settings)) await redis.config("SET", name, value);
  await redis.config("RESETSTAT");
  await redis.call("ACL", "LOG", "RESET");
});

describe("of a healthy system nothing is told", () => {
  test("while tasks run, wait, are retried and are over", async ({ told, look, makeServer, seed, pass, redis }) => {
    await redis.config("SET", "appendfsync", "always");
    await seed(
      { taskId: "runs" },
      { taskId: "done", retentionSec: 60 },
      { taskId: "later", processInSec: 600 },
      { taskId: "grouped", group: "g" },
    );
    const handler = gate();
    const server = makeServer({ delayedTaskCheckIntervalMs: 5_000, recoverIntervalMs: minute, janitorIntervalMs: 8_000 });
    await server.start(({ id }) => (id === "runs" ? handler.opened : undefined));
    await until(() => server.metrics().completed === 1);
    await pass(20_000);
    await seed({ taskId: "just came" });

    expect(await told({ durability: { tier: "fsync" } })).toEqual([]);
    expect(await look()).toMatchObject({
      worst: undefined,
      looked: { queues: 1, ofQueues: 1, servers: 1, invariants: true },
    });
    handler.open();
  });

  test("where there is nothing at all", async ({ told }) => {
    expect(await told()).toEqual([]);
  });
});

describe("why nothing runs", () => {
  test("the queue is paused", async ({ told, look, broker, seed, later }) => {
    await seed({ taskId: "a" });
    await pauseQueue(broker, "default");
    await later(5 * minute);

    expect(await told()).toEqual(["queue-paused default"]);
    const [diagnosis] = (await look()).diagnoses;
    expect(diagnosis).toMatchObject({ severity: "warning", evidence: "1 task pending, the oldest for 5 min" });
    expect(diagnosis!.remedy).toContain("asynqjs queue unpause default");
  });

  test("no server beats", async ({ told, look, seed, pass }) => {
    await seed({ taskId: "a" }, { taskId: "b" });
    expect(await told()).toEqual([]);
    await pass(minute);

    expect(await told()).toEqual(["no-server default"]);
    expect((await look()).diagnoses[0]).toMatchObject({ what: "nothing runs: no server beats", remedy: "start a server" });
  });

  test("no server serves the queue", async ({ told, look, makeServer, seed, pass }) => {
    await makeServer({ queues: { other: 1 } }).start(() => {});
    await seed({ taskId: "a", queue: "mail" });
    await pass(minute);

    expect(await told()).toEqual(["no-server mail"]);
    const [diagnosis] = (await look()).diagnoses;
    expect(diagnosis).toMatchObject({ what: "nothing runs: no server serves the queue" });
    expect(diagnosis!.evidence).toContain('1 server beat, for "other"');
    expect(diagnosis!.remedy).toContain('{ "mail": 1 }');
  });

  test("its servers were told to stop", async ({ told, makeServer, seed, pass }) => {
    const server = makeServer();
    await server.start(() => {});
    server.stop();
    await pass(10_000);
    await seed({ taskId: "a" });
    await pass(minute);

    expect(await told()).toEqual(["servers-stopped default"]);
  });

  test("no handler is registered for its type", async ({ told, look, makeServer, seed, pass, clock }) => {
    const mux = new ServeMux();
    mux.handle("email:send", () => {});
    const server = makeServer();
    await server.start(mux);
    await seed({ taskId: "a", type: "email:sned" }, { taskId: "b", type: "email:sned", maxRetry: 0 }, { taskId: "c" });
    await until(() => server.metrics().retried === 1 && server.metrics().archived === 1 && server.metrics().done === 1);
    await pass(1_000);

    expect(await told()).toEqual(["no-handler default"]);
    expect((await look()).diagnoses[0]).toMatchObject({
      what: 'no handler is registered for tasks of type "email:sned"',
      evidence: "2 tasks seen in retry and archived with the error “handler not found”",
    });
    // What was archived a day ago tells nothing of today, but what waits for its retry does.
    clock.jump(25 * 60 * minute);
    const later = (await look()).diagnoses.find(({ code }) => code === "no-handler");
    expect(later!.evidence).toContain("1 task seen in retry");
  });

  test("handlers that never end hold its slots", async ({ told, makeServer, seed, pass, clock }) => {
    const handler = gate();
    const server = makeServer({ concurrency: 1 });
    await seed({ taskId: "hangs", timeoutSec: 1 }, { taskId: "next" });
    await server.start(() => handler.opened);
    await until(() => server.metrics().started === 1);
    await clock.advance(2_000);
    await until(() => server.metrics().retried === 1);
    await pass(2 * minute);

    expect(server.metrics().leaked).toBe(1);
    expect(await told()).toEqual(["slots-leaked default"]);
    handler.open();
  });

  test("every slot is taken", async ({ told, look, makeServer, seed, pass }) => {
    const handler = gate();
    const server = makeServer({ concurrency: 2 });
    await seed(...["a", "b", "c"].map((taskId) => ({ taskId, timeoutSec: 3_600 })));
    await server.start(() => handler.opened);
    await until(() => server.metrics().started === 2);
    await pass(2 * minute);

    expect(await told()).toEqual(["concurrency-full default"]);
    expect((await look()).diagnoses[0]!.evidence).toBe("1 task pending, the oldest for 2 min; 2 of 2 slots of 1 server run tasks");
    handler.open();
  });

  test("its server beats and takes nothing, or what it takes is not enough", async ({ told, look, broker, seed, later, clock }) => {
    await seed({ taskId: "a" }, { taskId: "b" }, { taskId: "c" });
    await later(5 * minute);
    const name = { host: "h", pid: 1, serverId: "s" };
    const told4 = { concurrency: 4, queues: { default: 1 }, strictPriority: false, status: "active", activeWorkerCount: 1 };
    const info = encodeServerInfo({ ...name, ...told4, startedAtNs: BigInt(clock.nowMs()) * 1_000_000n });
    await writeServerState(broker, { ...name, info, workers: [] }, { nowSec: clock.nowMs() / 1000, ttlSec: 60 });

    expect(await told()).toEqual(["tasks-not-taken default"]);
    const { diagnoses } = await look({ meanwhile: () => dequeue(broker, ["default"], 1) });
    expect(diagnoses).toMatchObject([
      {
        code: "backlog",
        severity: "warning",
        evidence: "3 tasks pending, the oldest for 5 min; tasks are taken; 1 of 4 slots of 1 server run tasks",
      },
    ]);
  });

  test("a queue of a higher priority has tasks, and servers are strict", async ({ told, makeServer, seed, pass }) => {
    const handler = gate();
    const server = makeServer({ concurrency: 1, strictPriority: true, queues: { high: 2, low: 1 } });
    await seed(...["a", "b"].map((taskId) => ({ taskId, queue: "high", timeoutSec: 3_600 })), { taskId: "c", queue: "low" });
    await server.start(() => handler.opened);
    await until(() => server.metrics().started === 1);
    await pass(2 * minute);

    expect(await told()).toEqual(["concurrency-full high", "queue-starved low"]);
    handler.open();
  });

  test("its tasks crash workers, and wait as suspects", async ({ told, broker, seed, pass, clock }) => {
    await seed({ taskId: "a", type: "pdf:render" });
    await dequeue(broker, ["default"], 1);
    await clock.advance(2 * minute);
    await runTicks(broker);
    await pass(30_000);

    const found = await told();
    expect(found).toContain("suspects-waiting default");
    expect(found.filter((each) => !each.startsWith("suspects-waiting"))).toEqual([]);
  });
});

describe("what should have happened and did not", () => {
  test("nobody forwards", async ({ told, look, makeServer, seed, later }) => {
    await makeServer().start(() => {});
    await seed({ taskId: "a", processInSec: 10 });
    await later(5 * minute);

    expect(await told()).toEqual(["forward-late default"]);
    const [diagnosis] = (await look()).diagnoses;
    expect(diagnosis!.evidence).toContain("1 task of scheduled and retry due, for 5 min; a server of the queue beats");
  });

  test("nobody recovers", async ({ told, broker, makeServer, seed, later }) => {
    await seed({ taskId: "a" });
    await dequeue(broker, ["default"], 1);
    await makeServer().start(() => {});
    await later(5 * minute);

    expect(await told()).toEqual(["recover-late default"]);
  });

  test("there is no janitor", async ({ told, makeServer, seed, later }) => {
    await seed({ taskId: "a", retentionSec: 10 });
    const server = makeServer();
    await server.start(() => {});
    await until(() => server.metrics().completed === 1);
    await later(30 * minute);

    expect(await told()).toEqual(["janitor-late default"]);
  });

  test("nobody aggregates", async ({ told, makeServer, seed, later }) => {
    await seed({ taskId: "a", group: "g" });
    await makeServer().start(() => {});
    await later(20 * minute);

    expect(await told()).toEqual(["aggregate-late default"]);
  });

  test("no schedule tick runs", async ({ told, broker, later }) => {
    await addCronEntry(broker, { id: "report", spec: "@every 60s", type: "report:send" });
    expect(await told()).toEqual([]);
    await later(10 * minute);
    expect(await told()).toEqual(["schedule-late redis"]);

    await runTicks(broker);
    expect(await told()).not.toContain("schedule-late redis");
    await later(20 * minute);
    expect(await told()).toContain("schedule-late report");
  });

  test("nobody will look after a queue, and nothing is late yet", async ({ told, seed }) => {
    await seed({ taskId: "a", processInSec: 600 });

    expect(await told()).toEqual(["maintenance-missing default"]);
  });
});

describe("what Redis is set up to", () => {
  test("deletes tasks when it is full", async ({ told, redis }) => {
    await redis.config("SET", "maxmemory-policy", "allkeys-lru");

    expect(await told()).toEqual(["eviction redis"]);
  });

  test("is full, and nearly", async ({ told, redis }) => {
    await redis.setrange("of something else", 50_000_000, "x");
    const used = Number(/used_memory:(\d+)/.exec(await redis.info("memory"))![1]);
    await redis.config("SET", "maxmemory", String(Math.round(used * 1.05)));
    expect(await told()).toEqual(["memory-near redis"]);
    await redis.config("SET", "maxmemory", String(Math.round(used / 2)));
    expect(await told()).toEqual(["memory-full redis"]);
  });

  test("keeps nothing on disk, or snapshots alone", async ({ told, look, redis }) => {
    await redis.config("SET", "appendonly", "no");
    expect(await told()).toEqual(["no-persistence redis"]);

    await redis.config("SET", "save", "3600 1");
    expect(await told()).toEqual(["snapshots-only redis"]);
    expect((await look({ durability: { tier: "fsync" } })).diagnoses[0]).toMatchObject({
      code: "durability",
      evidence: expect.stringContaining("expected a Redis with `appendonly yes`"),
    });
    await redis.config("SET", "save", "");
  });

  test("lacks fixes of holes that are known", async ({ look, redis }) => {
    const version = /redis_version:(\S+)/.exec(await redis.info("server"))![1]!;
    const { diagnoses } = await look({ ignore: [] });
    if (version === "7.0.15") {
      expect(diagnoses).toMatchObject([
        { code: "redis-unpatched", severity: "warning", what: "Redis 7.0.15 lacks fixes of holes that are known" },
      ]);
      expect(diagnoses[0]!.evidence).toContain("a distribution or a host may have patched it");
    }
  });

  test("refuses the user of a part what it asks", async ({ told, look, redis }) => {
    await redis.call("ACL", "SETUSER", "asynqjs-worker", "reset", "on", "nopass", "~asynq:*", "&*", "+@all", "-zadd", "-subscribe");
    expect(await told()).toEqual(["acl-refused asynqjs-worker"]);
    const [diagnosis] = (await look()).diagnoses;
    expect(diagnosis).toMatchObject({ severity: "error", what: "the user may not do what the part “worker” asks of Redis" });
    expect(diagnosis!.evidence).toMatch(/“zadd .*“subscribe asynq:cancel”/);
    await redis.call("ACL", "DELUSER", "asynqjs-worker");

    await redis.call("ACL", "SETUSER", "mailer", "reset", "on", ">secret", "~asynq:*", "+@all", "-lpush");
    const mailer = new Redis({ port: Number(redis.options.port), username: "mailer", password: "secret", protocol: 2 });
    await mailer.lpush("asynq:{default}:pending", "a").catch(() => {});
    mailer.disconnect();
    expect((await look()).diagnoses).toMatchObject([
      { code: "acl-refused", subject: { kind: "user", name: "mailer" }, evidence: expect.stringContaining("command lpush") },
    ]);
    await redis.call("ACL", "DELUSER", "mailer");
  });

  test("is a replica", async ({ redis, told }) => {
    await redis.call("REPLICAOF", "127.0.0.1", "1");
    const found = await told();
    await redis.call("REPLICAOF", "NO", "ONE");

    expect(found).toContain("replica-asked redis");
  });

  test("forgets scripts again and again", async ({ told, redis }) => {
    for (let i = 0; i < 5; i++) await redis.script("FLUSH");

    expect(await told()).toEqual(["scripts-flushed redis"]);
  });
});

describe("what is not as it should be", () => {
  test("a clock", async ({ port, clock }) => {
    for (const [offMs, severity] of [
      [-60_000, "warning"],
      [-400_000, "error"],
    ] as const) {
      const broker = makeBroker({ redis: byClock(port, () => clock.nowMs() + offMs), clock, random: systemRandom });
      expect((await examine(broker, { ignore })).diagnoses).toMatchObject([{ code: "clock-skew", severity }]);
    }
  });

  test("an invariant", async ({ told, look, seed, redis }) => {
    await seed({ taskId: "a" });
    await redis.del("asynq:{default}:pending");

    expect(await told()).toEqual(["invariant default"]);
    expect((await look()).diagnoses[0]).toMatchObject({
      what: "I1 does not hold: every task is in exactly one container",
      evidence: expect.stringContaining("asynq:{default}:t:a"),
    });
  });

  test("a key of a queue", async ({ told, seed, redis }) => {
    await seed({ taskId: "a" });
    await redis.set("asynq:{default}:retry", "x");

    expect(await told({ invariants: false })).toEqual(["queue-unreadable default"]);
  });

  test("a message: it was set aside", async ({ told, makeServer, seed, redis }) => {
    await seed({ taskId: "a" });
    await redis.hset("asynq:{default}:t:a", "msg", "no message");
    const server = makeServer();
    await server.start(() => {});
    await until(async () => (await redis.zcard("asynq:{default}:js:quarantine")) === 1);

    expect(await told()).toEqual(["quarantined default"]);
  });
});

describe("what may not be asked", () => {
  test("is told as such by a user that only reads tasks, and the rest is looked at all the same", async ({ redis, seed, pass, clock }) => {
    await seed({ taskId: "a" });
    await pass(minute);
    const rules =
      "reset on >secret ~asynq:* -@all +info +eval +evalsha +scard +srandmember +exists +llen +zcard +zrange +zrangebyscore +lindex +hget +hmget +hstrlen +lrange +select";
    await redis.call("ACL", "SETUSER", "reader", ...rules.split(" "));
    const client = new Redis({ port: Number(redis.options.port), username: "reader", password: "secret", protocol: 2 });
    const broker = makeBroker({ redis: ioredisPort(client), clock: watching(clock), random: systemRandom });
    const { diagnoses } = await examine(broker, { ignore });
    client.disconnect();
    await redis.call("ACL", "DELUSER", "reader");

    const unknown = diagnoses.filter(({ severity }) => severity === "unknown");
    expect(diagnoses.filter((each) => !unknown.includes(each)).map(({ code }) => code)).toEqual(["no-server"]);
    expect(unknown.map(({ what }) => what)).toEqual([
      "not known: whether the clocks agree",
      "not known: when Redis writes to its disk",
      "not known: what the users of the parts may do",
      "not known: what Redis refused lately",
      "not known: what went wrong with single tasks",
      "not known: whether cron entries fire",
      "not known: when cron functions ran last",
      "not known: whether the invariants hold",
    ]);
    expect(unknown[0]!.evidence).toContain("time");
  });

  test("where nothing may be asked, that is what is told", async ({ redis, clock }) => {
    await redis.call("ACL", "SETUSER", "nobody", "reset", "on", ">secret", "-@all", "+select");
    const client = new Redis({
      port: Number(redis.options.port),
      username: "nobody",
      password: "secret",
      protocol: 2,
      enableReadyCheck: false,
    });
    const { diagnoses } = await examine(makeBroker({ redis: ioredisPort(client), clock, random: systemRandom }));
    client.disconnect();
    await redis.call("ACL", "DELUSER", "nobody");

    expect(diagnoses).toMatchObject([{ code: "acl-refused", severity: "error" }]);
  });
});
