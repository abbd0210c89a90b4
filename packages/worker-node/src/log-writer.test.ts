import { faultyRedis } from "@asynqjs/core/testing";
import { describe, expect, gate, test, until } from "../../../test/support/server-test.ts";
import type { ProcessingTask } from "./processing-task.ts";

const isLog = ([command]: readonly (readonly unknown[])[]): boolean =>
  command!.includes("asynq:{default}:t:a") && command!.includes("65536");

describe("a task's log", () => {
  test("has the lines that nobody waited for, in order and with their times, before the outcome is written", async ({
    makeServer,
    seed,
    redis,
    clock,
  }) => {
    await seed({ taskId: "a", retentionSec: 60 });
    const server = makeServer();

    await server.start(async ({ logWriter }) => {
      void logWriter.log("first");
      void logWriter.log("second");
      await clock.advance(1_500);
      expect(logWriter.taskId).toBe("a");
      void logWriter.log("third");
    });
    await until(() => server.metrics().completed === 1);

    expect(JSON.parse((await redis.hget("asynq:{default}:t:a", "logs"))!)).toEqual([
      { msg: "first", ts: "2040-01-02T03:04:05.000Z" },
      { msg: "second", ts: "2040-01-02T03:04:05.000Z" },
      { msg: "third", ts: "2040-01-02T03:04:06.500Z" },
    ]);
  });

  test("goes in few calls: what is logged while one is in flight makes the next", async ({ makeServer, seed, port }) => {
    await seed({ taskId: "a" });
    const faulty = faultyRedis(port);
    const server = makeServer({}, faulty);

    await server.start(async ({ logWriter }) => {
      for (let i = 0; i < 100; i++) void logWriter.log(String(i));
      await Promise.resolve();
      for (let i = 0; i < 100; i++) void logWriter.log(String(i));
    });
    await until(() => server.metrics().done === 1);

    expect(faulty.sent.filter(isLog).filter(([command]) => command![0] === "EVALSHA").length).toBeLessThanOrEqual(2);
  });

  test("stays through a failure, and the next run goes on with it", async ({ makeServer, seed, redis }) => {
    await seed({ taskId: "a" });
    const server = makeServer();

    await server.start(async ({ logWriter }) => {
      await logWriter.log("before it fails");
      throw new Error("no");
    });
    await until(() => server.metrics().retried === 1);

    expect(await redis.hget("asynq:{default}:t:a", "logs")).toContain("before it fails");
    expect(await redis.hget("asynq:{default}:t:a", "state")).toBe("retry");
  });

  test("takes no line once the outcome is written: whoever waits is told, who does not is counted and nobody dies", async ({
    makeServer,
    seed,
    keyspace,
  }) => {
    await seed({ taskId: "a" });
    const server = makeServer();
    const seen = gate<ProcessingTask>();
    await server.start((task) => seen.open(task));
    const task = await seen.opened;
    await until(() => server.metrics().done === 1);

    void task.logWriter.log("late");
    void task.resultWriter.write("late");
    await expect(task.logWriter.log("later")).rejects.toMatchObject({ code: "LEASE_LOST" });
    await until(() => server.metrics().writesRefused === 2);

    expect(Object.keys(await keyspace()).filter((key) => key.includes(":t:"))).toEqual([]);
  });
});
