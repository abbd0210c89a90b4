/** A real thread beside a main thread that is blocked: waits for the machine's clock, and for Sentinel's. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import {
  type CancelIntent,
  cancelProcessing,
  composeTask,
  correctedClock,
  dequeue,
  enqueue,
  leaseSec as fullLeaseSec,
  makeBroker,
  systemClock,
  systemRandom,
  Task,
} from "@asynqjs/core";
import { ioredisPort, parseRedisUri } from "@asynqjs/core/redis/ioredis";
import type { Redis } from "ioredis";
import { describe, onTestFinished } from "vitest";
import type { RecoverBeside } from "../../../test/support/recover-beside.ts";
import { expect, test as redisTest } from "../../../test/support/redis-test.ts";
import { startReplicated } from "../../../test/support/redis-topologies.ts";
import { gate, until } from "../../../test/support/server-test.ts";
import { checkConfig } from "./config.ts";
import type { ThreadSettings } from "./heartbeat-messages.ts";
import { type Heartbeater, type HeldLease, heartbeater } from "./heartbeater.ts";
import { Counters } from "./metrics.ts";
import { Server } from "./server.ts";
import { describeServer } from "./server-record.ts";
import { type ThreadHeartbeaterParts, threadHeartbeater } from "./thread-heartbeater.ts";

const settings = checkConfig({ logLevel: "fatal" });
const queue = "default";
const leaseKey = `asynq:{${queue}}:lease`;

interface Fixtures {
  /** Enqueues tasks with these ids and fetches them; their leases are as long as Asynq's. */
  readonly fetched: (...ids: string[]) => Promise<HeldLease[]>;
  /** Makes a heartbeater in a thread, on this Redis unless told otherwise; stopped after the test. */
  readonly beating: (redisUri?: string, parts?: Partial<ThreadHeartbeaterParts>, leaseSec?: number) => Heartbeater;
  readonly counters: Counters;
  /** What was logged. */
  readonly log: string[];
  readonly lost: string[];
}

const test = redisTest.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixture's needs from the pattern
  counters: async ({}, use) => use(new Counters()),
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixture's needs from the pattern
  log: async ({}, use) => use([]),
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixture's needs from the pattern
  lost: async ({}, use) => use([]),
  fetched: async ({ redis, lost }, use) => use((...ids) => fetchTasks(redis, lost, ids)),
  beating: async ({ redis, redisUrl, counters, log }, use) => {
    const all: Heartbeater[] = [];
    const note =
      (level: string) =>
      (message: string): void =>
        void log.push(`${level} ${message}`);
    const logger = { debug: note("debug"), info: note("info"), warn: note("warn"), error: note("error") };
    await use((redisUri = redisUrl, parts = {}, leaseSec = fullLeaseSec) => {
      const server = describeServer(settings);
      const ofThread = { redis: parseRedisUri(redisUri), server, heartbeatIntervalMs: 400, leaseSec };
      const broker = makeBroker({ redis: ioredisPort(redis), ...settings });
      const onMain = (): Heartbeater => heartbeater(broker, { ...settings, ...ofThread, logger, counters });
      const one = threadHeartbeater({
        settings: ofThread,
        clock: settings.clock,
        logger,
        counters,
        onMain,
        onCancelIntent: () => {},
        ...parts,
      });
      all.push(one);
      return one;
    });
    await Promise.all(all.map((one) => one.stop()));
  },
});

async function fetchTasks(redis: Redis, lost: string[], ids: readonly string[]): Promise<HeldLease[]> {
  const parts = { clock: systemClock, random: systemRandom };
  const broker = makeBroker({ redis: ioredisPort(redis), ...parts });
  await enqueue(
    broker,
    ids.map((taskId) => composeTask(new Task("t", `payload of ${taskId}`), { taskId }, parts)),
  );
  const nowMs = systemClock.monotonicMs();
  const { tasks } = await dequeue(broker, [queue], ids.length);
  return tasks.map(({ id, token }) => ({
    ...{ queue, id, token, endsAtMs: nowMs + fullLeaseSec * 1000, deadlineMs: nowMs + 60_000 },
    run: { type: "t", payload: Buffer.from(`payload of ${id}`), startedAtMs: Date.now(), deadlineAtMs: Date.now() + 60_000 },
    onLost: (error) => void lost.push(`${id} ${error.code}`),
  }));
}

/** Blocks this thread, as a handler does that computes. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Where the lease of a task ends, in seconds from now. */
async function leftSec(redis: Redis, id: string): Promise<number> {
  return Number(await redis.zscore(leaseKey, id)) - Date.now() / 1000;
}

describe("a heartbeater in a thread", () => {
  test("keeps leases shorter than the main thread is blocked, each up to its task's deadline; a recoverer takes the others", async ({
    beating,
    fetched,
    redis,
    redisUrl,
    lost,
  }) => {
    const shortSec = 2;
    const forMs = 7_000;
    const recoverer = new Worker(new URL("../../../test/support/recover-beside.ts", import.meta.url), {
      workerData: { redisUrl, queue, forMs: forMs - 500 } satisfies RecoverBeside,
    });
    await once(recoverer, "message");
    const beats = beating(redisUrl, {}, shortSec);
    beats.start();
    await until(async () => (await redis.exists("asynq:servers")) === 1);
    const [kept, hung, unheld] = (await fetched("kept", "hung", "unheld")) as [HeldLease, HeldLease, HeldLease];
    // The lease of the dequeue is made as short as the extensions will be.
    const shortUntil = Math.floor(Date.now() / 1000) + shortSec;
    for (const { id, token } of [kept, hung, unheld]) await redis.zadd(leaseKey, "XX", shortUntil + token / 2 ** 20, id);
    const endsAtMs = systemClock.monotonicMs() + shortSec * 1000;
    beats.hold([
      { ...kept, endsAtMs },
      { ...hung, endsAtMs, deadlineMs: systemClock.monotonicMs() + 1_000 },
    ]);

    block(forMs);
    const [recovered] = await once(recoverer, "message");

    expect((await redis.zrange(`asynq:{${queue}}:retry`, "0", "-1")).sort()).toEqual(["hung", "unheld"]);
    expect(recovered).toBe(2);
    expect(await redis.lrange(`asynq:{${queue}}:active`, 0, -1)).toEqual(["kept"]);
    expect(await leftSec(redis, "kept")).toBeGreaterThan(0);
    await until(() => lost.length > 0);
    expect(lost).toEqual(["hung LEASE_EXPIRED"]);
    expect(kept.endsAtMs).toBeGreaterThan(0);
  });

  test("holds all tasks of a fetch before the first handler blocks, and tells of them meanwhile", async ({ redis, redisUrl }) => {
    const broker = makeBroker({ redis: ioredisPort(redis), ...settings });
    const tasks = ["a", "b"].map((taskId) => composeTask(new Task("t"), { taskId }, settings));
    await enqueue(broker, tasks);
    const server = new Server(redisUrl, { concurrency: 4, heartbeatIntervalMs: 300, logLevel: "fatal" });
    onTestFinished(() => server.shutdown());
    let running: string[] = [];
    const left: number[] = [];
    let first = true;
    const seen = gate();
    await server.start(async () => {
      if (!first) return seen.opened;
      first = false;
      block(3_000);
      running = await redis.hkeys(String((await redis.keys("asynq:workers:*"))[0]));
      left.push(await leftSec(redis, "a"), await leftSec(redis, "b"));
      seen.open();
    });
    await until(() => server.metrics().done === 2);

    expect(running.sort()).toEqual(["a", "b"]);
    // A lease that nobody extended would have 27 s left.
    for (const sec of left) expect(sec).toBeGreaterThan(27.9);
    await server.shutdown();
    expect(await redis.keys("asynq:servers*")).toEqual([]);
  });

  test("is told of each extension, loss and cancelation, forgets what it is told to, and goes by the thread's look at Redis' clock", async ({
    beating,
    fetched,
    redis,
    lost,
  }) => {
    const [a, b, c] = (await fetched("a", "b", "c")) as [HeldLease, HeldLease, HeldLease];
    const clock = correctedClock(systemClock);
    clock.adopt(123_456);
    const canceled: CancelIntent[] = [];
    const beats = beating(undefined, { clock, onCancelIntent: (intent) => void canceled.push(intent) });
    await cancelProcessing(makeBroker({ redis: ioredisPort(redis), ...settings }), [{ id: "a", queue }, { id: "of another server" }]);
    const before = a.endsAtMs;
    beats.start();
    beats.hold([a, b, c]);
    await redis.zadd(leaseKey, "XX", Math.floor(Date.now() / 1000) + 30, "b");

    await until(() => a.endsAtMs > before + 500 && lost.length > 0 && canceled.length > 0);
    expect(new Set(canceled.map(({ id }) => id))).toEqual(new Set(["a"]));
    expect(lost).toEqual(["b LEASE_LOST"]);
    expect(Math.abs(clock.offsetMs)).toBeLessThan(2_000);
    expect(a.endsAtMs - systemClock.monotonicMs()).toBeGreaterThan(25_000);
    expect(a.endsAtMs - systemClock.monotonicMs()).toBeLessThan(30_100);

    beats.forget(c);
    const [seen] = [a.endsAtMs];
    await until(() => a.endsAtMs > seen + 500);
    const forgotten = await redis.zscore(leaseKey, "c");
    await until(() => a.endsAtMs > seen + 3_000);
    expect(await redis.zscore(leaseKey, "c")).toBe(forgotten);
  });

  test("is started again when it dies, and told what is held", async ({ beating, fetched, redis, counters, log, lost }) => {
    const [lease] = (await fetched("a")) as [HeldLease];
    const threads: Worker[] = [];
    const entry = new URL("./heartbeat-thread.ts", import.meta.url);
    const beats = beating(undefined, {
      startThread: (workerData: ThreadSettings) => {
        threads.push(new Worker(entry, { workerData, execArgv: [] }));
        return threads.at(-1)!;
      },
    });
    beats.start();
    beats.hold([lease]);
    const before = lease.endsAtMs;
    await until(() => lease.endsAtMs > before);

    for (let round = 1; round <= 2; round++) {
      await threads.at(-1)!.terminate();
      const [then] = [lease.endsAtMs];
      await until(() => threads.length === round + 1 && lease.endsAtMs > then + 100);
    }

    expect(await leftSec(redis, "a")).toBeGreaterThan(28);
    expect(counters.snapshot().heartbeatRestarts).toBe(2);
    expect(log.filter((line) => line.startsWith("error the heartbeat thread ended by itself"))).toHaveLength(2);
    expect(lost).toEqual([]);
    await beats.stop();
    expect(await redis.keys("asynq:servers*")).toEqual([]);
  });

  test("beats on the main thread where no thread can be started, and says so once", async ({ beating, fetched, redis, log }) => {
    const cannot = [
      () => {
        throw new Error("no threads here");
      },
      () => new Worker(new URL("./no-such-file.ts", import.meta.url)),
      (workerData: ThreadSettings) => new Worker("", { eval: true, workerData: { ...workerData, server: () => {} } }),
    ];
    for (const [i, startThread] of cannot.entries()) {
      const [lease] = (await fetched(String(i))) as [HeldLease];
      const before = lease.endsAtMs;
      const beats = beating(undefined, { startThread });
      beats.start();
      beats.hold([lease]);
      await until(() => lease.endsAtMs > before);
      expect(await redis.zcard("asynq:servers")).toBe(1);
      expect(log.filter((line) => line.startsWith("warn heartbeats run on the main thread, since no thread can be started"))).toHaveLength(
        i + 1,
      );
      await beats.stop();
      expect(await redis.zcard("asynq:servers")).toBe(0);
    }
  });
});

// Waits for Sentinel, which replaces a master that was silent for half a second: both masters at once.
describe("a master that is gone while the main thread is blocked, killed or stopped", () => {
  test("is replaced, and leases are extended on the new one", async ({ beating, lost }) => {
    const signals = ["SIGKILL", "SIGSTOP"] as const;
    const all = await Promise.all(
      signals.map(async (signal) => {
        const redis = await startReplicated();
        onTestFinished(() => redis.stop());
        return { signal, ...redis };
      }),
    );
    const beats = await Promise.all(
      all.map(async ({ toMaster, toReplica, sentinels }) => {
        const one = beating(`redis-sentinel://127.0.0.1:${sentinels.ports[0]}?master=mymaster`);
        const [lease] = (await fetchTasks(toMaster, lost, ["a"])) as [HeldLease];
        const before = lease.endsAtMs;
        one.start();
        one.hold([lease]);
        await until(() => lease.endsAtMs > before);
        await until(async () => (await toReplica.zcard(leaseKey)) === 1);
        return one;
      }),
    );
    await Promise.all(all.map(({ master, signal }) => master.kill(signal)));

    block(10_000);

    for (const { signal, toReplica } of all) {
      // Not extended since, it would have 20 s left.
      expect(await leftSec(toReplica, "a"), signal).toBeGreaterThan(27);
      expect(await toReplica.exists("asynq:servers"), signal).toBe(1);
      expect((await toReplica.info("replication")).includes("role:master"), signal).toBe(true);
    }
    expect(lost).toEqual([]);
    for (const one of beats) await one.stop();
  });
});
