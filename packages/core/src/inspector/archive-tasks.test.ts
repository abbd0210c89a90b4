import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { everyId, seedEveryState } from "../../../../test/support/every-state.ts";
import { enqueue } from "../broker/enqueue.ts";
import { makeBroker } from "../broker.ts";
import { scanInvariants } from "../invariants/scan-invariants.ts";
import { checkLimits } from "../limits.ts";
import { seededRandom } from "../testing/manual-clock.ts";
import { archiveAllTasks, archiveTasks } from "./archive-tasks.ts";

describe("archiveTasks", () => {
  test("archives what waits and what is completed, and says of each other why not", async ({ broker, aTask, redis, clock }) => {
    await seedEveryState(broker, aTask);
    const countersBefore = await redis.mget("asynq:{default}:processed", "asynq:{default}:failed");
    const msgBefore = await redis.hgetBuffer("asynq:{default}:t:pending", "msg");
    await clock.advance(5_000);

    const { verdicts, trimmed } = await archiveTasks(broker, "default", [...everyId, "none"]);

    expect(trimmed).toBe(0);
    expect(Object.fromEntries([...everyId, "none"].map((id, i) => [id, verdicts[i]]))).toEqual({
      active: "active",
      aggregating: "done",
      archived: "archived",
      completed: "done",
      "grouped-later": "done",
      "in-a-set": "aggregating",
      pending: "done",
      quarantined: "js:quarantine",
      recovered: "done",
      retry: "done",
      scheduled: "done",
      "unique-in-a-set": "aggregating",
      none: "not-found",
    });
    const moved = ["aggregating", "completed", "grouped-later", "pending", "recovered", "retry", "scheduled"];
    expect(await redis.zrange("asynq:{default}:archived", "0", "-1", "WITHSCORES")).toEqual([
      ...["archived", String(startSec)],
      ...moved.flatMap((id) => [id, String(startSec + 5)]),
    ]);
    for (const id of moved) {
      const { msg: _, unique_key: __, group: ___, ...fields } = await redis.hgetall(`asynq:{default}:t:${id}`);
      expect(fields).toEqual({ state: "archived" });
    }
    expect(await redis.hgetBuffer("asynq:{default}:t:pending", "msg")).toEqual(msgBefore);
    expect(await redis.mget("asynq:{default}:processed", "asynq:{default}:failed")).toEqual(countersBefore);
    expect((await scanInvariants(broker.redis)).findings).toEqual([]);
  });

  test("deletes what the archive does not keep, hashes and locks too, and never what it archives itself", async ({
    port,
    clock,
    aTask,
    redis,
  }) => {
    const limits = checkLimits({ archiveMaxSize: 3 });
    const broker = makeBroker({ redis: port, clock, random: seededRandom(5), limits });
    const ids = ["e", "d", "c", "b", "a"];
    await enqueue(
      broker,
      ids.map((taskId) => aTask({ taskId, payload: taskId, uniqueTtlSec: 3600 })),
    );
    await archiveTasks(broker, "default", ["e", "d"]);
    await clock.advance(1_000);

    const { verdicts, trimmed } = await archiveTasks(broker, "default", ["c", "b", "a"]);

    expect(verdicts).toEqual(["done", "done", "done"]);
    expect(trimmed).toBe(2);
    expect(await redis.zrange("asynq:{default}:archived", "0", "-1")).toEqual(["a", "b", "c"]);
    expect((await redis.keys("asynq:{default}:t:*")).sort()).toEqual(["a", "b", "c"].map((id) => `asynq:{default}:t:${id}`));
    expect(await redis.keys("asynq:{default}:unique:*")).toHaveLength(3);
  });
});

describe("archiveAllTasks", () => {
  test("archives all that is pending, and says how many the archive could not keep", async ({ port, clock, aTask, redis }) => {
    const broker = makeBroker({ redis: port, clock, random: seededRandom(5), limits: checkLimits({ archiveMaxSize: 101 }) });
    await enqueue(
      broker,
      Array.from({ length: 600 }, (_, i) => aTask({ taskId: `t${i}` })),
    );

    const report = await archiveAllTasks(broker, "default", { state: "pending" });

    expect(report).toEqual({ done: 600, dropped: 0, trimmed: expect.any(Number), of: 600, more: false });
    // What the last batch archived is kept, whatever its ids.
    const kept = 600 - report.trimmed;
    expect(kept).toBeGreaterThanOrEqual(100);
    expect(kept).toBeLessThan(200);
    expect(await redis.exists("asynq:{default}:pending")).toBe(0);
    expect(await redis.zcard("asynq:{default}:archived")).toBe(kept);
    expect(await redis.keys("asynq:{default}:t:*")).toHaveLength(kept);
  });

  test("archives all of a state or of a group, and nothing else", async ({ broker, aTask, redis }) => {
    await seedEveryState(broker, aTask);

    expect(await archiveAllTasks(broker, "default", { state: "scheduled" })).toMatchObject({ done: 2 });
    expect(await archiveAllTasks(broker, "default", { state: "retry" })).toMatchObject({ done: 2 });
    expect(await archiveAllTasks(broker, "default", { state: "aggregating", group: "g" })).toMatchObject({ done: 1 });
    expect(await archiveAllTasks(broker, "none", { state: "retry" })).toEqual({ done: 0, dropped: 0, trimmed: 0, of: 0, more: false });

    expect(await redis.zrange("asynq:{default}:archived", "0", "-1")).toEqual([
      "aggregating",
      "archived",
      "grouped-later",
      "recovered",
      "retry",
      "scheduled",
    ]);
    expect((await scanInvariants(broker.redis)).findings).toEqual([]);
  });
});
