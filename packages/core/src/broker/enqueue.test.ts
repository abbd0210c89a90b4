import { describe } from "vitest";
import { expect, startNs, startSec, test } from "../../../../test/support/broker-test.ts";
import { encodeTaskMessage } from "../wire/encode-task-message.ts";
import { enqueue, maxPerEnqueue } from "./enqueue.ts";

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

describe("enqueue", () => {
  test("makes a task pending, with the keys and fields of Asynq", async ({ broker, aTask, keyspace }) => {
    const task = aTask({ taskId: "a", payload: { to: "someone" } });

    expect(await enqueue(broker, [task])).toEqual([{ verdict: "enqueued" }]);

    expect(await keyspace()).toEqual({
      "asynq:queues": ["default"],
      "asynq:{default}:pending": ["a"],
      "asynq:{default}:t:a": { msg: latin1(encodeTaskMessage(task.message).bytes), state: "pending", pending_since: startNs },
    });
  });

  test("stores the very bytes of a message that crossed as JSON text, UTF-8 or not", async ({ broker, aTask, redis }) => {
    const asJson = { ...broker.redis, features: async () => ({ ...(await broker.redis.features()), codec: "json" as const }) };
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const tasks = [bytes, Uint8Array.of(...bytes.toReversed(), 0xc2, 0xc3), "grüße 世界"].map((payload, i) =>
      aTask({ taskId: `t${i}`, payload, type: "Â:Ã" }),
    );

    await enqueue({ ...broker, redis: asJson }, tasks);

    for (const { message } of tasks) {
      const stored = await redis.hgetBuffer(`asynq:{default}:t:${message.id}`, "msg");
      expect(latin1(stored!)).toBe(latin1(encodeTaskMessage(message).bytes));
    }
  });

  test("puts the newest on the left, so that workers take the oldest from the right", async ({ seedPending, keyspace }) => {
    await seedPending("first", "second", "third");

    expect((await keyspace())["asynq:{default}:pending"]).toEqual(["third", "second", "first"]);
  });

  test("schedules a task that is due later, by whole seconds, and stores no pending_since", async ({ broker, aTask, keyspace }) => {
    await enqueue(broker, [aTask({ taskId: "a", processInSec: 60.9 })]);

    const space = await keyspace();
    expect(space["asynq:{default}:scheduled"]).toEqual({ a: String(startSec + 60) });
    expect(space["asynq:{default}:t:a"]).toEqual({ msg: expect.any(String), state: "scheduled" });
    expect(space["asynq:{default}:pending"]).toBeUndefined();
  });

  test("adds a task to its group and the group to the index", async ({ broker, aTask, keyspace }) => {
    await enqueue(broker, [aTask({ taskId: "a", group: "weekly:digest" })]);

    expect(await keyspace()).toEqual({
      "asynq:queues": ["default"],
      "asynq:{default}:groups": ["weekly:digest"],
      "asynq:{default}:g:weekly:digest": { a: String(startSec) },
      "asynq:{default}:t:a": { msg: expect.any(String), state: "aggregating", group: "weekly:digest" },
    });
  });

  test("schedules a task with both a time and a group without the group field, as Asynq does", async ({ broker, aTask, keyspace }) => {
    await enqueue(broker, [aTask({ taskId: "a", group: "g", processInSec: 5 })]);

    expect((await keyspace())["asynq:{default}:t:a"]).toEqual({ msg: expect.any(String), state: "scheduled" });
  });

  test("schedules and locks up to the last second that an option holds: Redis refuses no time after a task was written", async ({
    broker,
    aTask,
    redis,
  }) => {
    const last = aTask({ taskId: "a", processAt: new Date(8.64e15), uniqueTtlSec: Number.MAX_SAFE_INTEGER });

    expect(await enqueue(broker, [last])).toEqual([{ verdict: "enqueued" }]);

    expect(await redis.zscore("asynq:{default}:scheduled", "a")).toBe("8640000000000");
    expect(await redis.get(last.message.uniqueKey!)).toBe("a");
  });

  test("takes a lock for a unique task, owned by its id, for the TTL", async ({ broker, aTask, keyspace, redis }) => {
    const task = aTask({ taskId: "a", payload: "p", uniqueTtlSec: 90 });

    await enqueue(broker, [task]);

    const lock = "asynq:{default}:unique:email:send:83878c91171338902e0fe0fb97a8c47a";
    expect((await keyspace())[lock]).toBe("a");
    expect((await keyspace())["asynq:{default}:t:a"]).toMatchObject({ unique_key: lock });
    expect(await redis.ttl(lock)).toBeGreaterThan(88);
  });

  test("keeps the lock of a scheduled task for its TTL after the task is due", async ({ broker, aTask, redis }) => {
    await enqueue(broker, [aTask({ taskId: "a", uniqueTtlSec: 90, processInSec: 1000 })]);

    expect(await redis.ttl("asynq:{default}:unique:email:send:")).toBeGreaterThan(1088);
  });

  test("refuses an id that is there, in whatever state, and writes nothing", async ({ broker, aTask, keyspace, redis }) => {
    await enqueue(broker, [aTask({ taskId: "a" })]);
    await redis.hset("asynq:{default}:t:a", "state", "archived");
    const before = await keyspace();

    expect(await enqueue(broker, [aTask({ taskId: "a", payload: "other" })])).toEqual([{ verdict: "task-id-conflict" }]);

    expect(await keyspace()).toEqual(before);
  });

  test("refuses a duplicate of a unique task before it looks at the id, as Asynq does", async ({ broker, aTask }) => {
    await enqueue(broker, [aTask({ taskId: "a", uniqueTtlSec: 60 })]);

    expect(await enqueue(broker, [aTask({ taskId: "a", uniqueTtlSec: 60 })])).toEqual([{ verdict: "duplicate-task" }]);
  });

  test("lets a later item of a batch see an earlier one", async ({ broker, aTask }) => {
    const verdicts = await enqueue(broker, [
      aTask({ taskId: "a" }),
      aTask({ taskId: "a" }),
      aTask({ taskId: "b", payload: "same", uniqueTtlSec: 60 }),
      aTask({ taskId: "c", payload: "same", uniqueTtlSec: 60 }),
    ]);

    expect(verdicts.map(({ verdict }) => verdict)).toEqual(["enqueued", "task-id-conflict", "enqueued", "duplicate-task"]);
  });

  test("keeps the order of results over several queues and kinds", async ({ broker, aTask, keyspace }) => {
    const verdicts = await enqueue(broker, [
      aTask({ taskId: "a", queue: "low" }),
      aTask({ taskId: "a", queue: "high" }),
      aTask({ taskId: "a", queue: "low" }),
      aTask({ taskId: "b", queue: "high", processInSec: 9 }),
    ]);

    expect(verdicts.map(({ verdict }) => verdict)).toEqual(["enqueued", "enqueued", "task-id-conflict", "enqueued"]);
    expect((await keyspace())["asynq:queues"]).toEqual(["high", "low"]);
  });

  test("splits a batch into calls of at most 1,000 tasks and 1 MiB, in one request", async ({ broker, aTask, port, keyspace }) => {
    await enqueue(broker, [aTask()]);
    const already = port.sent.length;
    const many = Array.from({ length: maxPerEnqueue.items + 1 }, (_, i) => aTask({ taskId: `n${i}`, queue: "many" }));
    const large = Array.from({ length: 3 }, (_, i) => aTask({ taskId: `l${i}`, queue: "large", payload: new Uint8Array(600_000) }));

    const verdicts = await enqueue(broker, [...many, ...large]);

    expect(verdicts.every(({ verdict }) => verdict === "enqueued")).toBe(true);
    expect(port.sent[already]!.filter(([name]) => name === "EVALSHA")).toHaveLength(2 + 3);
    expect((await keyspace())["asynq:{many}:pending"]).toHaveLength(maxPerEnqueue.items + 1);
  });

  test("writes a queue's name with its first task, and again after a minute, as another client may have removed the queue", async ({
    broker,
    aTask,
    redis,
    clock,
  }) => {
    await enqueue(broker, [aTask()]);
    await redis.srem("asynq:queues", "default");

    await enqueue(broker, [aTask()]);
    expect(await redis.smembers("asynq:queues")).toEqual([]);

    await clock.advance(60_000);
    await enqueue(broker, [aTask()]);
    expect(await redis.smembers("asynq:queues")).toEqual(["default"]);
  });

  test("looks at no group's key for a task that is in none", async ({ broker, aTask, redis }) => {
    await redis.set("asynq:{default}:g:", "in nobody's way");

    expect(await enqueue(broker, [aTask()])).toEqual([{ verdict: "enqueued" }]);
  });

  test("takes a key without a name for nobody's lock", async ({ broker, aTask, redis }) => {
    await redis.set("", "in nobody's way");

    expect(await enqueue(broker, [aTask()])).toEqual([{ verdict: "enqueued" }]);
  });

  test("refuses the whole call, with nothing written, when a container is of the wrong type", async ({
    broker,
    aTask,
    keyspace,
    redis,
  }) => {
    for (const [key, task] of [
      ["asynq:{default}:pending", aTask()],
      ["asynq:{default}:scheduled", aTask({ processInSec: 5 })],
      ["asynq:{default}:groups", aTask({ group: "g" })],
      ["asynq:{default}:g:g", aTask({ group: "g" })],
    ] as const) {
      await redis.flushdb();
      await redis.set(key, "in the way");

      const [first, second] = await enqueue(broker, [aTask({ uniqueTtlSec: 60 }), task]);

      expect(first!.error).toMatchObject({ code: "REDIS", reply: "WRONGTYPE", delivered: "no" });
      // Redis' own words: of what a script does not catch an older Redis says ERR.
      expect(first!.error!.message).toBe("redis refused: WRONGTYPE Operation against a key holding the wrong kind of value");
      expect(second!.error).toBe(first!.error);
      expect(Object.keys(await keyspace()).filter((name) => name !== "asynq:queues")).toEqual([key]);
    }
  });

  test("does nothing when given nothing", async ({ broker, keyspace }) => {
    expect(await enqueue(broker, [])).toEqual([]);
    expect(await keyspace()).toEqual({});
  });

  test("does not claim that nothing was written when only the queue's name could not be", async ({ broker, aTask, redis }) => {
    await redis.set("asynq:queues", "in the way");

    expect(await enqueue(broker, [aTask({ taskId: "a" })])).toMatchObject([
      { error: { code: "REDIS", reply: "WRONGTYPE", delivered: "unknown" } },
    ]);

    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["a"]);
  });

  test("stores payloads of any bytes unharmed", async ({ broker, aTask, redis }) => {
    const payloads = [
      Uint8Array.from({ length: 256 }, (_, i) => i),
      new Uint8Array(1024 * 1024).fill(0xc3),
      new TextEncoder().encode("\u{feff}grüße, 世界 \u{1f389}\0"),
    ];
    const tasks = payloads.map((payload, i) => aTask({ taskId: `p${i}`, payload }));

    await enqueue(broker, tasks);

    for (const { message } of tasks) {
      const stored = await redis.hgetBuffer(`asynq:{default}:t:${message.id}`, "msg");
      expect(Buffer.compare(stored!, encodeTaskMessage(message).bytes)).toBe(0);
    }
  });
});
