import { describe } from "vitest";
import { expect, startNs, test } from "../../../../test/support/broker-test.ts";
import { everyId, seedEveryState } from "../../../../test/support/every-state.ts";
import { enqueue } from "../broker/enqueue.ts";
import { scanInvariants } from "../invariants/scan-invariants.ts";
import { runAllTasks, runTasks } from "./run-tasks.ts";

describe("runTasks", () => {
  test("makes pending what waits, is archived or completed, and says of each other why not", async ({ broker, aTask, redis, clock }) => {
    await seedEveryState(broker, aTask);
    await redis.hset("asynq:{default}:t:archived", "js:recovered", "1@0", "js:handed_back", "2");
    await clock.advance(5_000);

    const verdicts = await runTasks(broker, "default", [...everyId, "none"]);

    expect(Object.fromEntries([...everyId, "none"].map((id, i) => [id, verdicts[i]]))).toEqual({
      active: "active",
      aggregating: "done",
      archived: "done",
      completed: "done",
      "grouped-later": "done",
      "in-a-set": "aggregating",
      pending: "pending",
      quarantined: "js:quarantine",
      recovered: "done",
      retry: "done",
      scheduled: "done",
      "unique-in-a-set": "aggregating",
      none: "not-found",
    });
    const ran = ["aggregating", "archived", "completed", "grouped-later", "recovered", "retry", "scheduled"];
    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual([...ran.toReversed(), "pending"]);
    const laterNs = String(BigInt(startNs) + 5_000_000_000n);
    for (const id of ran) {
      const { msg: _, unique_key: __, group: ___, ...fields } = await redis.hgetall(`asynq:{default}:t:${id}`);
      expect(fields).toEqual({ state: "pending", pending_since: laterNs });
    }
    expect(await redis.exists("asynq:{default}:scheduled", "asynq:{default}:retry", "asynq:{default}:groups")).toBe(0);
    expect(await scanInvariants(broker.redis).then(({ findings }) => findings)).toEqual([]);
  });

  test("leaves alone what is no longer where it was seen", async ({ broker, aTask, keyspace }) => {
    await enqueue(broker, [aTask({ taskId: "a", processInSec: 60 }), aTask({ taskId: "b", group: "g" })]);
    const before = await keyspace();

    expect(await runTasks(broker, "default", ["a"], { from: { state: "retry" } })).toEqual(["changed"]);
    expect(await runTasks(broker, "default", ["b"], { from: { state: "aggregating", group: "h" } })).toEqual(["changed"]);

    expect(await keyspace()).toEqual(before);
    expect(await runTasks(broker, "default", ["b"], { from: { state: "aggregating", group: "g" } })).toEqual(["done"]);
  });

  test("moves nothing that is in no container, nor what has no message or a state that is none", async ({ broker, redis, keyspace }) => {
    await redis.hset("asynq:{default}:t:lost", "msg", "m", "state", "retry");
    await redis.hset("asynq:{default}:t:stub", "state", "retry");
    await redis.hset("asynq:{default}:t:odd", "msg", "m", "state", "groups");
    await redis.hset("asynq:{default}:t:ungrouped", "msg", "m", "state", "aggregating");
    await redis.set("asynq:{default}:t:text", "no hash");
    const before = await keyspace();

    expect(await runTasks(broker, "default", ["lost", "stub", "odd", "ungrouped", "text"])).toEqual([
      "misplaced",
      "not-found",
      "misplaced",
      "misplaced",
      "not-found",
    ]);

    expect(await keyspace()).toEqual(before);
  });

  test("lets a later item of a batch see an earlier one", async ({ broker, aTask }) => {
    await enqueue(broker, [aTask({ taskId: "a", processInSec: 60 })]);
    expect(await runTasks(broker, "default", ["a", "a"])).toEqual(["done", "pending"]);
  });
});

describe("runAllTasks", () => {
  test("makes all of a state pending, the first due to be taken first, and no other", async ({ broker, aTask, redis, clock }) => {
    const ids = Array.from({ length: 600 }, (_, i) => `t${String(i).padStart(3, "0")}`);
    await enqueue(
      broker,
      ids.map((taskId, i) => aTask({ taskId, processInSec: 10 + i })),
    );
    await enqueue(broker, [aTask({ taskId: "waits" })]);
    await clock.advance(1_000);
    const seen: number[] = [];

    const report = await runAllTasks(
      broker,
      "default",
      { state: "scheduled" },
      { onProgress: ({ done, of, more }) => void seen.push(done, of, Number(more)) },
    );

    expect(report).toEqual({ done: 600, dropped: 0, trimmed: 0, of: 600, more: false });
    expect(seen).toEqual([100, 200, 300, 400, 500, 600].flatMap((done) => [done, 600, Number(done < 600)]));
    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual([...ids.toReversed(), "waits"]);
    expect(await redis.exists("asynq:{default}:scheduled")).toBe(0);
  });

  test("makes all of a group pending, and leaves its sets to their aggregator", async ({ broker, aTask, redis }) => {
    await seedEveryState(broker, aTask);

    expect(await runAllTasks(broker, "default", { state: "aggregating", group: "g" })).toMatchObject({ done: 1, of: 1 });

    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["aggregating", "pending"]);
    expect(await redis.exists("asynq:{default}:groups", "asynq:{default}:g:g")).toBe(0);
    expect(await redis.zcard("asynq:{default}:aggregation_sets")).toBe(1);
  });

  test("drops ids without a task and those that are elsewhere, and takes what is nowhere else for what it stands as", async ({
    broker,
    aTask,
    redis,
    seedPending,
  }) => {
    await enqueue(broker, [aTask({ taskId: "a", processInSec: 60 }), aTask({ taskId: "restated", processInSec: 60 })]);
    await seedPending("waits");
    await redis.zadd("asynq:{default}:scheduled", 1, "gone", 2, "waits");
    await redis.hset("asynq:{default}:t:restated", "state", "retry");

    expect(await runAllTasks(broker, "default", { state: "scheduled" })).toEqual({ done: 2, dropped: 2, trimmed: 0, of: 4, more: false });

    expect((await redis.lrange("asynq:{default}:pending", 0, -1)).sort()).toEqual(["a", "restated", "waits"]);
    expect(await scanInvariants(broker.redis).then(({ findings }) => findings)).toEqual([]);
  });

  test("stops when it is told to, and goes on when it is called again", async ({ broker, aTask, redis }) => {
    await enqueue(
      broker,
      Array.from({ length: 600 }, (_, i) => aTask({ taskId: `t${i}`, processInSec: 60 })),
    );
    const stop = new AbortController();

    const report = await runAllTasks(
      broker,
      "default",
      { state: "scheduled" },
      { signal: stop.signal, onProgress: ({ done }) => done >= 500 && stop.abort() },
    );

    expect(report).toEqual({ done: 500, dropped: 0, trimmed: 0, of: 600, more: true });
    expect(await redis.zcard("asynq:{default}:scheduled")).toBe(100);
    expect(await runAllTasks(broker, "default", { state: "scheduled" })).toMatchObject({ done: 100, more: false });
  });

  test("asks for the group whose tasks are meant", async ({ broker }) => {
    await expect(runAllTasks(broker, "default", { state: "aggregating" })).rejects.toMatchObject({ option: "group" });
  });
});
