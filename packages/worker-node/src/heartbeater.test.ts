import { cancelProcessing, correctedClock, type RedisPort } from "@asynqjs/core";
import { decodeServerInfo, decodeWorkerInfo } from "@asynqjs/core/wire";
import type { Redis } from "ioredis";
import { byClock, closing, describe, expect, gate, startSec, test, until } from "../../../test/support/server-test.ts";

/** A port that loses lease extensions (two keys: the record's and the lease's) while `lost` says so. */
function losingBeats(port: RedisPort, lost: () => boolean): RedisPort {
  return {
    ...port,
    send: (commands, options) =>
      commands[0]![2] === "2" && lost() ? Promise.reject(new Error("redis did not answer")) : port.send(commands, options),
  };
}

/** What servers tell of themselves, and of the tasks they run. */
async function told(redis: Redis) {
  const servers = (await redis.keys("asynq:servers:*")).map(async (key) => decodeServerInfo((await redis.getBuffer(key))!, key));
  const workers = (await redis.keys("asynq:workers:*")).map((key) => redis.hvalsBuffer(key));
  const infos = (await Promise.all(workers)).flat().map((bytes) => decodeWorkerInfo(bytes, "a worker"));
  return { servers: await Promise.all(servers), workers: infos };
}

describe("heartbeater", () => {
  test("extends the lease of a running task every 5 s; the token stays", async ({ makeServer, seed, pass, redis }) => {
    await seed({ taskId: "a" });
    const server = makeServer();
    const handler = gate();
    await server.start(() => handler.opened);
    await until(() => server.metrics().started === 1);
    const before = Number(await redis.zscore("asynq:{default}:lease", "a"));
    expect(Math.floor(before)).toBe(startSec + 30);

    await pass(40_000);

    const after = Number(await redis.zscore("asynq:{default}:lease", "a"));
    expect(Math.floor(after)).toBe(startSec + 70);
    expect(after % 1).toBe(before % 1);
    handler.open();
    await until(() => server.metrics().done === 1);
  });

  test("stops at the task's deadline, and extends nothing when the outcome is written, though the handler runs on", async ({
    makeServer,
    seed,
    pass,
    redis,
  }) => {
    await seed({ taskId: "a", timeoutSec: 12 });
    const server = makeServer({ abortGraceMs: 10_000 });
    await server.start(() => new Promise(() => {}));
    await until(() => server.metrics().started === 1);

    await pass(20_000);
    expect(Math.floor(Number(await redis.zscore("asynq:{default}:lease", "a")))).toBe(startSec + 40);

    await pass(30_000);
    expect(await redis.zscore("asynq:{default}:lease", "a")).toBeNull();
    expect(server.metrics()).toMatchObject({ retried: 1, leaked: 1 });
  });

  test("asks nothing of Redis when the outcomes are written", async ({ makeServer, seed, pass, port }) => {
    await seed({ taskId: "a" });
    let beats = 0;
    const server = makeServer(
      {},
      losingBeats(port, () => {
        beats++;
        return false;
      }),
    );
    await server.start(() => {});
    await until(() => server.metrics().done === 1);
    beats = 0;

    await pass(12_000);

    expect(beats).toBe(0);
  });

  test("tells the run of a lease that another took: its signal aborts, nothing is written", async ({
    makeServer,
    seed,
    pass,
    redis,
    keyspace,
  }) => {
    await seed({ taskId: "a" });
    const told: unknown[] = [];
    const server = makeServer({ errorHandler: (_, error) => void told.push((error as { code: string }).code) });
    let reason: unknown;
    await server.start(
      ({ signal }) =>
        new Promise<void>((resolve) => {
          signal.addEventListener("abort", () => {
            reason = signal.reason;
            resolve();
          });
        }),
    );
    await until(() => server.metrics().started === 1);
    await redis.zadd("asynq:{default}:lease", startSec + 30, "a");
    const before = await keyspace();

    await pass(5_000);

    expect(reason).toMatchObject({ code: "LEASE_LOST" });
    expect(told).toEqual(["LEASE_LOST"]);
    expect(server.metrics()).toMatchObject({ leaseLost: 1, busy: 0, done: 0 });
    expect(await keyspace()).toEqual(before);
  });

  test("tells the run when Redis said nothing until the lease ended", async ({ makeServer, seed, pass, port, keyspace }) => {
    await seed({ taskId: "a" });
    let lost = false;
    const server = makeServer(
      {},
      losingBeats(port, () => lost),
    );
    let signal: AbortSignal | undefined;
    const handler = gate();
    await server.start((task) => {
      signal = task.signal;
      return handler.opened;
    });
    await until(() => server.metrics().started === 1);
    lost = true;
    const before = await keyspace();

    await pass(25_000);
    expect(signal!.aborted).toBe(false);
    await pass(5_000);
    expect(signal!.reason).toMatchObject({ code: "LEASE_EXPIRED" });
    handler.open();
    await until(() => server.metrics().busy === 0);

    expect(server.metrics()).toMatchObject({ leaseExpired: 1, done: 0 });
    expect(server.metrics().extendErrors).toBeGreaterThan(3);
    expect(await keyspace()).toEqual(before);
  });

  test("keeps a task whose lease passed while the process was blocked, since nobody took it", async ({
    makeServer,
    seed,
    pass,
    redis,
    port,
  }) => {
    await seed({ taskId: "a" });
    let lost = true;
    const server = makeServer(
      {},
      losingBeats(port, () => lost),
    );
    const handler = gate();
    await server.start(() => handler.opened);
    await until(() => server.metrics().started === 1);
    await pass(25_000);

    lost = false;
    await pass(5_000);

    expect(Math.floor(Number(await redis.zscore("asynq:{default}:lease", "a")))).toBe(startSec + 60);
    handler.open();
    await until(() => server.metrics().done === 1);
  });

  test("tells of the server and of its state at once, of its tasks with each beat, and nothing more when it is closed", async ({
    makeServer,
    seed,
    quiet,
    redis,
    clock,
  }) => {
    await seed({ taskId: "a", type: "email:send", payload: "hello", timeoutSec: 60 });
    const server = makeServer({ concurrency: 7, queues: { default: 3, low: 1 }, heartbeatIntervalMs: 4_700 });
    const handler = gate();
    const startNs = BigInt(startSec) * 1_000_000_000n;
    await server.start(() => handler.opened);
    await quiet();
    const { servers } = await told(redis);
    expect(servers).toEqual([
      {
        ...{ host: expect.any(String), pid: process.pid, serverId: expect.any(String), concurrency: 7, queues: { default: 3, low: 1 } },
        ...{ strictPriority: false, status: "active", startedAtNs: startNs, activeWorkerCount: expect.any(Number) },
      },
    ]);
    const { host, pid, serverId } = servers[0]!;
    const keys = await redis.zrange("asynq:servers", "0", "-1", "WITHSCORES");
    expect(keys).toEqual([`asynq:servers:{${host}:${pid}:${serverId}}`, String(startSec + 10)]);

    server.stop();
    await quiet();

    expect(await told(redis)).toEqual({
      servers: [{ ...servers[0]!, status: "stopped", activeWorkerCount: 1 }],
      workers: [
        {
          ...{ host, pid, serverId, taskId: "a", taskType: "email:send", taskPayload: new TextEncoder().encode("hello"), queue: "default" },
          ...{ startedAtNs: startNs, deadlineNs: startNs + 60_000_000_000n },
        },
      ],
    });

    handler.open();
    await closing(server, clock);
    expect(await redis.keys("asynq:servers*")).toEqual([]);
    expect(await redis.keys("asynq:workers*")).toEqual([]);
  });

  test("beats once a minute while nothing runs, at once when a task is taken, and every 5 s while it runs", async ({
    makeServer,
    seed,
    pass,
    quiet,
    port,
    redis,
    clock,
  }) => {
    const order: string[] = [];
    const noting: RedisPort = {
      ...port,
      send(commands, options) {
        const [name, , key] = commands[0]! as [string, string, string];
        if (name === "ZADD") order.push(`beat at ${clock.monotonicMs() / 1000}: ${commands.map(([word]) => word)}`);
        else if (name === "EVALSHA" && key === "2") order.push("lease");
        return port.send(commands, options);
      },
    };
    const since = (): string[] => order.splice(0);
    const left = async (): Promise<number> => Number((await redis.zrange("asynq:servers", "0", "-1", "WITHSCORES"))[1]) - startSec;
    const server = makeServer({ taskCheckIntervalMs: 1 }, noting);
    const handler = gate();
    await server.start(() => {
      order.push("handler");
      return handler.opened;
    });
    // One that has only just begun may crash at once.
    await quiet();
    expect(await left()).toBe(10);
    await pass(130_000);
    const idle = [0, 5, 65, 125].map((sec) => `beat at ${sec}: ZADD,EVALSHA`);
    expect(since()).toEqual(idle);
    expect(await left()).toBe(125 + 130);
    const [serverKey] = await redis.keys("asynq:servers:*");
    expect(await redis.ttl(serverKey!)).toBeGreaterThan(125);
    expect(await redis.keys("asynq:workers*")).toEqual([]);

    await seed({ taskId: "a" });
    await pass(1);
    await until(() => server.metrics().started === 1);
    await quiet();

    expect(since()).toEqual(["handler", "lease", "beat at 130.001: ZADD,ZADD,EVALSHA"]);
    expect(await left()).toBe(130 + 10);
    expect(await redis.ttl(serverKey!)).toBeLessThanOrEqual(10);
    expect((await told(redis)).workers).toMatchObject([{ taskId: "a" }]);

    await pass(10_000);
    expect(since().filter((line) => line !== "lease")).toEqual([
      "beat at 135.001: ZADD,ZADD,EVALSHA",
      "beat at 140.001: ZADD,ZADD,EVALSHA",
    ]);

    handler.open();
    await until(() => server.metrics().done === 1);
    await pass(70_000);
    // The first one takes the list out of the index.
    expect(since()).toEqual(["beat at 145.001: ZADD,ZREM,EVALSHA", "beat at 205.001: ZADD,EVALSHA"]);
    expect(await redis.keys("asynq:workers*")).toEqual([]);
  });

  test("learns Redis' time from what it tells, and looks every 5 s again once a clock was set", async ({
    makeServer,
    pass,
    port,
    clock,
  }) => {
    const sent: string[] = [];
    let aheadMs = 1_500;
    const ahead = byClock(port, () => clock.nowMs() + aheadMs);
    const elsewhere: RedisPort = {
      ...ahead,
      send(commands, options) {
        sent.push(commands.map(([word]) => word).join());
        return ahead.send(commands, options);
      },
    };
    const corrected = correctedClock(clock);
    const server = makeServer({ clock: corrected, taskCheckIntervalMs: 1_000_000 }, elsewhere);
    await server.start(() => {});
    await pass(65_000);
    expect(corrected.offsetMs).toBe(1_500);
    const beats = (): number => sent.splice(0).filter((words) => words.startsWith("ZADD")).length;
    expect(sent.filter((words) => words.includes("TIME"))).toEqual(["TIME"]);
    expect(beats()).toBe(3);

    aheadMs = 11_500;
    await pass(60_000);
    expect([corrected.offsetMs, beats()]).toEqual([1_500, 1]);
    await pass(10_000);
    // Most of the last five looks say so.
    expect([corrected.offsetMs, beats()]).toEqual([11_500, 2]);
    await pass(59_000);
    expect(beats()).toBe(0);
    await pass(1_000);
    expect(beats()).toBe(1);
  });

  test("ends a run that was canceled while nobody listened, and no later one", async ({ makeServer, seed, pass, broker, message }) => {
    await cancelProcessing(broker, [{ id: "later" }]);
    await pass(5);
    await seed({ taskId: "a" }, { taskId: "later" });
    const server = makeServer({ retryDelayFunc: () => 60_000 });
    await server.start(
      ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true })),
    );
    await until(() => server.metrics().started === 2);
    await cancelProcessing(broker, [{ id: "a", queue: "default" }]);

    await pass(15_000);

    expect(server.metrics()).toMatchObject({ canceled: 1, retried: 1, busy: 1 });
    expect(await message("a")).toMatchObject({ retried: 1, errorMsg: "context canceled" });
  });

  test("extends leases although Redis refuses what it tells of the server", async ({ makeServer, seed, pass, redis, log }) => {
    await seed({ taskId: "a" });
    await redis.set("asynq:servers", "of another kind");
    const server = makeServer();
    const handler = gate();
    await server.start(() => handler.opened);
    await until(() => server.metrics().started === 1);

    await pass(10_000);

    expect(Math.floor(Number(await redis.zscore("asynq:{default}:lease", "a")))).toBe(startSec + 40);
    expect(server.metrics()).toMatchObject({ stateErrors: 3, extendErrors: 0 });
    expect(log).toContainEqual(expect.stringMatching(/^warn heartbeater could not tell of the server .*WRONGTYPE/));
    handler.open();
  });
});
