import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { seedEveryState } from "../../../../test/support/every-state.ts";
import { listCancelIntents } from "../broker/cancel-processing.ts";
import { enqueue } from "../broker/enqueue.ts";
import { scanInvariants } from "../invariants/scan-invariants.ts";
import { actOnFound } from "./act-on-found.ts";

const none = { done: 0, notDone: {}, unreadable: 0, trimmed: 0, more: false };

describe("actOnFound", () => {
  test("deletes those that are meant, wherever they wait, and no other", async ({ broker, aTask, redis }) => {
    await enqueue(
      broker,
      Array.from({ length: 1_200 }, (_, i) =>
        aTask({ taskId: `t${i}`, type: i % 3 === 0 ? "bad" : "good", ...(i % 2 ? { processInSec: 60 + i } : {}) }),
      ),
    );

    const dry = await actOnFound(broker, "default", "delete", { type: "bad" }, { dryRun: true });
    expect(dry).toEqual({ ...none, looked: 1_200, matched: 400 });
    expect(await redis.keys("asynq:{default}:t:*")).toHaveLength(1_200);

    const told: number[] = [];
    const report = await actOnFound(broker, "default", "delete", { type: "bad" }, { onProgress: ({ done }) => void told.push(done) });

    expect(report).toEqual({ ...none, looked: 1_200, matched: 400, done: 400 });
    expect(told.at(-1)).toBe(400);
    expect(told.length).toBeGreaterThan(5);
    expect(await redis.llen("asynq:{default}:pending")).toBe(400);
    expect(await redis.zcard("asynq:{default}:scheduled")).toBe(400);
    expect((await redis.lrange("asynq:{default}:pending", 0, 2)).toReversed()).toEqual(["t1192", "t1196", "t1198"]);
    expect((await scanInvariants(broker.redis)).findings).toEqual([]);
  });

  test("runs, redrives, archives and puts off what waits, in the states from which each takes tasks", async ({ broker, aTask, redis }) => {
    const seed = async (): Promise<void> => {
      await redis.flushdb();
      await seedEveryState(broker, aTask);
    };
    await seed();
    expect(await actOnFound(broker, "default", "run", { error: "failed" })).toMatchObject({ matched: 2, done: 2 });
    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["archived", "retry", "pending"]);
    await seed();
    expect(await actOnFound(broker, "default", "redrive", {})).toMatchObject({ matched: 3, done: 3 });
    await seed();
    expect(await actOnFound(broker, "default", "archive", { states: ["pending", "retry"] })).toMatchObject({ matched: 3, done: 3 });
    expect(await redis.zcard("asynq:{default}:archived")).toBe(4);
    await seed();
    const rescheduleTo = new Date((startSec + 900) * 1000);
    expect(await actOnFound(broker, "default", { rescheduleTo }, { states: ["scheduled", "retry"] })).toMatchObject({
      matched: 4,
      done: 4,
    });
    expect(await redis.zrange("asynq:{default}:retry", "0", "-1", "WITHSCORES")).toEqual(
      ["recovered", "retry"].flatMap((id) => [id, String(startSec + 900)]),
    );
  });

  test("asks for the end of the runs that are meant", async ({ broker, aTask }) => {
    await seedEveryState(broker, aTask);
    expect(await actOnFound(broker, "default", "cancel", { type: "email:*" })).toMatchObject({ looked: 1, matched: 1, done: 1 });
    expect(await listCancelIntents(broker)).toMatchObject([{ queue: "default", id: "active" }]);
    await expect(actOnFound(broker, "default", "cancel", { states: ["pending"] })).rejects.toMatchObject({ option: "states" });
  });

  test("says why others were not acted on, and leaves them as they are", async ({ broker, aTask, redis, keyspace }) => {
    await enqueue(broker, [aTask({ taskId: "a", processInSec: 60 }), aTask({ taskId: "b" })]);
    await redis.hset("asynq:{default}:t:a", "state", "retry");
    await redis.hset("asynq:{default}:t:b", "msg", "\u0007no message");
    const before = await keyspace();

    expect(await actOnFound(broker, "default", "delete", {})).toEqual({
      ...none,
      looked: 2,
      matched: 1,
      notDone: { changed: 1 },
      unreadable: 1,
    });

    expect(await keyspace()).toEqual(before);
  });

  test("stops when it is told to", async ({ broker, aTask, redis }) => {
    await enqueue(
      broker,
      Array.from({ length: 600 }, (_, i) => aTask({ taskId: `t${i}`, processInSec: 60 })),
    );
    const stop = new AbortController();
    const report = await actOnFound(
      broker,
      "default",
      "run",
      {},
      { signal: stop.signal, onProgress: ({ done }) => done > 0 && stop.abort() },
    );
    expect(report).toMatchObject({ done: 250, more: true });
    expect(await redis.zcard("asynq:{default}:scheduled")).toBe(350);
  });

  test("refuses what it cannot do, before any I/O", async ({ broker, port }) => {
    const before = port.sent.length;
    await expect(actOnFound(broker, "default", "toString" as "run", {})).rejects.toMatchObject({ option: "action" });
    await expect(actOnFound(broker, "default", { rescheduleTo: new Date(Number.NaN) }, {})).rejects.toMatchObject({
      option: "rescheduleTo",
    });
    expect(port.sent.length).toBe(before);
  });
});
