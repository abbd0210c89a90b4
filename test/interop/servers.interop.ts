/** What servers and the tasks they run tell of themselves, read by the other side. */
import { Task } from "@asynqjs/client-edge";
import { decodeServerInfo, decodeWorkerInfo, encodeServerInfo, encodeWorkerInfo } from "@asynqjs/core/wire";
import { gate } from "../support/server-test.ts";
import { expect, goVersions, onGo } from "./interop-test.ts";
import { ourBroker } from "./our-broker.ts";

const toMs = (ns: bigint | undefined): number => Number(ns! / 1_000_000n);

onGo(goVersions, (test) => {
  test("Go's inspector sees our server as it is set, what it runs, that it stops, and that it is gone", async ({ go, startServer }) => {
    const startMs = Date.now();
    const deadline = new Date(Math.ceil(startMs / 1000) * 1000 + 60_000);
    await go.enqueue({ type: "long", payload: Buffer.from("ü".repeat(3_000)), options: { taskId: "a", queue: "low", deadline } });
    const done = gate();
    const settings = { concurrency: 7, queues: { default: 3, low: 1 }, strictPriority: true };
    const server = await startServer(() => done.opened, { ...settings, heartbeatIntervalMs: 100 });

    await expect.poll(async () => (await go.servers())[0]?.ActiveWorkers).toHaveLength(1);
    const [told, ...others] = await go.servers();
    expect(others).toEqual([]);
    expect(told).toMatchObject({ PID: process.pid, Concurrency: 7, Queues: settings.queues, StrictPriority: true, Status: "active" });
    const [worker] = told!.ActiveWorkers;
    expect(worker).toMatchObject({ TaskID: "a", TaskType: "long", Queue: "low" });
    // The first 4 KiB; the task's own message is whole.
    expect(Buffer.from(worker!.TaskPayload!, "base64").toString()).toBe("ü".repeat(2_048));
    expect(Buffer.from((await go.task("a", "low")).payload!, "base64").toString()).toBe("ü".repeat(3_000));
    expect(Date.parse(worker!.Deadline)).toBe(deadline.getTime());
    // By Redis' clock, not ours.
    for (const { Started } of [told!, worker!]) expect(Math.abs(Date.parse(Started) - startMs)).toBeLessThan(60_000);

    await server.stop();
    await expect.poll(async () => (await go.servers())[0]).toMatchObject({ Status: "stopped", ActiveWorkers: [{ TaskID: "a" }] });

    done.open();
    await expect.poll(async () => (await go.servers())[0]).toMatchObject({ Status: "stopped", ActiveWorkers: [] });
    await server.shutdown();
    expect(await go.servers()).toEqual([]);
  });

  test("Go's inspector lists our server while it runs nothing, from one beat a minute to the second after it", async ({
    redis,
    go,
    startServer,
  }) => {
    const server = await startServer(async () => {}, { heartbeatIntervalMs: 100 });
    const leftSec = async (): Promise<number> => {
      const [, score] = await redis.zrange("asynq:servers", "0", "-1", "WITHSCORES");
      return Number(score ?? 0) - Number((await redis.time())[0]);
    };
    // Its second beat is the first of those that are a minute apart.
    await expect.poll(leftSec).toBeGreaterThan(120);
    expect(await leftSec()).toBeLessThanOrEqual(130);
    const [serverKey] = await redis.zrange("asynq:servers", "0", "-1");
    expect(await redis.ttl(serverKey!)).toBeGreaterThan(120);
    expect(await redis.exists("asynq:workers")).toBe(0);

    // What stands there when one beat was missed and the next is almost due.
    await redis.zincrby("asynq:servers", -115, serverKey!);
    await redis.expire(serverKey!, (await redis.ttl(serverKey!)) - 115);
    expect(await go.servers()).toMatchObject([{ PID: process.pid, Status: "active", ActiveWorkers: [] }]);
    await redis.zincrby("asynq:servers", -20, serverKey!);
    expect(await go.servers()).toEqual([]);

    await server.shutdown();
    expect(await redis.keys("asynq:servers*")).toEqual([]);
  });

  test("we read what a Go server tells of itself and of the task it runs, and write it byte for byte", async ({
    redis,
    go,
    startGoWorker,
  }) => {
    await ourBroker(redis).enqueue(new Task("hang", "ünïcode"), { taskId: "a", timeoutSec: 600 });
    const goWorker = await startGoWorker({ concurrency: 7 });

    // Of Go's clock: 5 s from its start to the beat that tells of the task.
    await expect.poll(async () => (await go.servers())[0]?.ActiveWorkers).toHaveLength(1);

    const [[told], [serverKey], [workersKey]] = await Promise.all([
      go.servers(),
      redis.zrange("asynq:servers", "0", "-1"),
      redis.zrange("asynq:workers", "0", "-1"),
    ]);
    const stored = (await redis.getBuffer(serverKey!))!;
    const server = decodeServerInfo(stored, "a server of Go");
    expect({ ...server, startedAtNs: toMs(server.startedAtNs) }).toEqual({
      host: told!.Host,
      pid: told!.PID,
      serverId: told!.ID,
      concurrency: 7,
      queues: { default: 1 },
      strictPriority: false,
      status: "active",
      startedAtNs: Date.parse(told!.Started),
      activeWorkerCount: 1,
    });
    expect(Buffer.from(encodeServerInfo(server))).toEqual(stored);
    expect(serverKey).toBe(`asynq:servers:{${server.host}:${server.pid}:${server.serverId}}`);

    const storedWorker = (await redis.hgetallBuffer(workersKey!)).a!;
    const worker = decodeWorkerInfo(storedWorker, "a task that Go runs");
    expect(worker).toMatchObject({ host: told!.Host, pid: told!.PID, serverId: told!.ID, taskId: "a", taskType: "hang", queue: "default" });
    expect(Buffer.from(worker.taskPayload!).toString()).toBe("ünïcode");
    expect(toMs(worker.startedAtNs)).toBe(Date.parse(told!.ActiveWorkers[0]!.Started));
    expect(toMs(worker.deadlineNs)).toBe(Date.parse(told!.ActiveWorkers[0]!.Deadline));
    expect(Buffer.from(encodeWorkerInfo(worker))).toEqual(storedWorker);
    await goWorker.end("SIGKILL");
  });

  test("a Go server beside ours: each keeps its own record, and takes back its own alone", async ({ go, startServer, startGoWorker }) => {
    const server = await startServer(async () => {}, { heartbeatIntervalMs: 100 });
    const goWorker = await startGoWorker({ concurrency: 7 });
    await expect.poll(async () => (await go.servers()).map(({ Concurrency }) => Concurrency).sort()).toEqual([10, 7].sort());

    await goWorker.end();
    expect(await go.servers()).toMatchObject([{ Concurrency: 10, Status: "active" }]);

    await server.shutdown();
    expect(await go.servers()).toEqual([]);
  });
});
