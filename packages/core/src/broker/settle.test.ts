import { describe } from "vitest";
import { expect, startNs, startSec, test } from "../../../../test/support/broker-test.ts";
import type { Broker } from "../broker.ts";
import { patchTaskMessage } from "../wire/patch-task-message.ts";
import { type DequeuedTask, dequeue } from "./dequeue.ts";
import { enqueue } from "./enqueue.ts";
import { settle, type TaskOutcome } from "./settle.ts";

const day = "2040-01-02";

async function take(broker: Broker, limit = 1): Promise<DequeuedTask[]> {
  return [...(await dequeue(broker, ["default"], limit)).tasks];
}

const held = ({ queue, id, token }: DequeuedTask) => ({ queue, id, fence: { token } }) as const;
const failed = ({ msg }: DequeuedTask, retried = 1) => patchTaskMessage(msg, { retried, errorMsg: "boom", lastFailedAtSec: startSec });
const verdicts = async (broker: Broker, outcomes: TaskOutcome[]) => (await settle(broker, outcomes)).results.map(({ verdict }) => verdict);
const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

describe("settle", () => {
  test("done: the task is gone and counted for the day, in UTC, and in total", async ({ broker, seedPending, keyspace, redis }) => {
    await seedPending("a");
    const [a] = await take(broker);

    expect(await settle(broker, [{ ...held(a!), to: "done" }])).toEqual({ results: [{ verdict: "settled" }], trimmed: 0 });

    expect(await keyspace()).toEqual({
      "asynq:queues": ["default"],
      "asynq:{default}:processed": "1",
      [`asynq:{default}:processed:${day}`]: "1",
    });
    expect(await redis.expiretime(`asynq:{default}:processed:${day}`)).toBe(startSec + 90 * 24 * 3600);
  });

  test("done: gives the unique lock back if it is still the task's own", async ({ broker, aTask, redis }) => {
    const [mine, taken] = [
      aTask({ taskId: "mine", payload: "1", uniqueTtlSec: 60 }),
      aTask({ taskId: "taken", payload: "2", uniqueTtlSec: 60 }),
    ];
    await enqueue(broker, [mine, taken]);
    await redis.set(taken.message.uniqueKey!, "somebody else");
    const tasks = await take(broker, 2);

    await settle(
      broker,
      tasks.map((task) => ({ ...held(task), to: "done", uniqueKey: (task.id === "mine" ? mine : taken).message.uniqueKey })),
    );

    expect(await redis.exists(mine.message.uniqueKey!)).toBe(0);
    expect(await redis.get(taken.message.uniqueKey!)).toBe("somebody else");
  });

  test("completed: the task stays with its message until its retention ends, its lock is given back", async ({
    broker,
    aTask,
    keyspace,
  }) => {
    const task = aTask({ taskId: "a", retentionSec: 100, uniqueTtlSec: 60 });
    await enqueue(broker, [task]);
    const [a] = await take(broker);
    const msg = patchTaskMessage(a!.msg, { completedAtSec: startSec });

    await settle(broker, [{ ...held(a!), to: "completed", msg, expireAtSec: startSec + 100, uniqueKey: task.message.uniqueKey }]);

    expect(await keyspace()).toEqual({
      "asynq:queues": ["default"],
      "asynq:{default}:completed": { a: String(startSec + 100) },
      "asynq:{default}:processed": "1",
      [`asynq:{default}:processed:${day}`]: "1",
      "asynq:{default}:t:a": { msg: latin1(msg.bytes), state: "completed", unique_key: task.message.uniqueKey },
    });
  });

  test("retry: a failure is counted, one that is none is not", async ({ broker, seedPending, keyspace }) => {
    await seedPending("a", "b", "c");
    const [a, b, c] = await take(broker, 3);

    await settle(broker, [
      { ...held(a!), to: "retry", msg: failed(a!), retryAtSec: startSec + 20, isFailure: true },
      { ...held(b!), to: "retry", msg: failed(b!, 0), retryAtSec: startSec + 30, isFailure: false },
      { ...held(c!), to: "retry", msg: failed(c!), retryAtSec: startSec + 40, isFailure: true },
    ]);

    expect(await keyspace()).toEqual({
      "asynq:queues": ["default"],
      "asynq:{default}:retry": { a: String(startSec + 20), b: String(startSec + 30), c: String(startSec + 40) },
      "asynq:{default}:processed": "2",
      "asynq:{default}:failed": "2",
      [`asynq:{default}:processed:${day}`]: "2",
      [`asynq:{default}:failed:${day}`]: "2",
      "asynq:{default}:t:a": { msg: latin1(failed(a!).bytes), state: "retry" },
      "asynq:{default}:t:b": { msg: latin1(failed(b!, 0).bytes), state: "retry" },
      "asynq:{default}:t:c": { msg: latin1(failed(c!).bytes), state: "retry" },
    });
  });

  test("recovered: the task waits for its next try, the lost worker is noted beside it, nothing is charged", async ({
    broker,
    seedPending,
    keyspace,
  }) => {
    await seedPending("a");
    const [a] = await take(broker);
    const msg = failed(a!, 0);

    expect(await verdicts(broker, [{ ...held(a!), to: "recovered", msg, retryAtSec: startSec + 2, recovered: "1@0" }])).toEqual([
      "settled",
    ]);

    expect(await keyspace()).toEqual({
      "asynq:queues": ["default"],
      "asynq:{default}:retry": { a: String(startSec + 2) },
      "asynq:{default}:t:a": { msg: latin1(msg.bytes), state: "retry", "js:recovered": "1@0" },
    });
  });

  test("archived: the task stays with its error and counts as failed; its unique lock stays, as in Asynq", async ({
    broker,
    aTask,
    keyspace,
    redis,
  }) => {
    const task = aTask({ taskId: "a", uniqueTtlSec: 60 });
    await enqueue(broker, [task]);
    const [a] = await take(broker);

    await settle(broker, [{ ...held(a!), to: "archived", msg: failed(a!, 0) }]);

    expect(await keyspace()).toMatchObject({
      "asynq:{default}:archived": { a: String(startSec) },
      "asynq:{default}:failed": "1",
      "asynq:{default}:processed": "1",
      "asynq:{default}:t:a": { msg: latin1(failed(a!, 0).bytes), state: "archived" },
    });
    expect(await redis.get(task.message.uniqueKey!)).toBe("a");
  });

  test("requeued: the task is the next to run and nothing is charged", async ({ broker, seedPending, keyspace }) => {
    await seedPending("a", "b");
    const [a] = await take(broker);

    await settle(broker, [{ ...held(a!), to: "requeued" }]);

    expect(await keyspace()).toEqual({
      "asynq:queues": ["default"],
      "asynq:{default}:pending": ["b", "a"],
      "asynq:{default}:t:a": { msg: latin1(a!.msg), state: "pending", pending_since: startNs },
      "asynq:{default}:t:b": { msg: expect.any(String), state: "pending", pending_since: startNs },
    });
  });

  test("handed-back: the task waits for another server, how often is kept beside it, nothing is charged or cleared", async ({
    broker,
    seedPending,
    keyspace,
    redis,
  }) => {
    await seedPending("a");
    await redis.hset("asynq:{default}:t:a", "js:recovered", "0@0");
    const [a] = await take(broker);
    const msg = failed(a!, 0);

    expect(await verdicts(broker, [{ ...held(a!), to: "handed-back", msg, dueAtSec: startSec + 4, handedBack: 3 }])).toEqual(["settled"]);

    expect(await keyspace()).toEqual({
      "asynq:queues": ["default"],
      "asynq:{default}:scheduled": { a: String(startSec + 4) },
      "asynq:{default}:t:a": { msg: latin1(msg.bytes), state: "scheduled", "js:recovered": "0@0", "js:handed_back": "3" },
    });
  });

  test("quarantined: the message is kept untouched, where it came from and why beside it, and no lease holds up anybody", async ({
    broker,
    seedPending,
    keyspace,
  }) => {
    await seedPending("a");
    const [a] = await take(broker);

    await settle(broker, [{ ...held(a!), to: "quarantined", why: "cannot decode" }]);

    expect(await keyspace()).toEqual({
      "asynq:queues": ["default"],
      "asynq:{default}:js:quarantine": { a: String(startSec) },
      "asynq:{default}:t:a": { msg: latin1(a!.msg), state: "js:quarantine", "js:from": "active", "js:why": "cannot decode" },
    });
  });

  test("clears what was noted of lost workers when a handler's outcome is written, and keeps it when the task is only handed back", async ({
    broker,
    seedPending,
    redis,
  }) => {
    await seedPending("a", "b", "c", "d");
    for (const id of ["a", "b", "c", "d"]) await redis.hset(`asynq:{default}:t:${id}`, "js:recovered", "0@0", "js:handed_back", "2");
    const [a, b, c, d] = await take(broker, 4);

    await settle(broker, [
      { ...held(a!), to: "retry", msg: failed(a!), retryAtSec: startSec + 1, isFailure: true },
      { ...held(b!), to: "archived", msg: failed(b!) },
      { ...held(c!), to: "completed", msg: failed(c!), expireAtSec: startSec + 1 },
      { ...held(d!), to: "requeued" },
    ]);

    for (const id of ["a", "b", "c"])
      expect(await redis.hmget(`asynq:{default}:t:${id}`, "js:recovered", "js:handed_back")).toEqual([null, null]);
    expect(await redis.hmget("asynq:{default}:t:d", "js:recovered", "js:handed_back")).toEqual(["0@0", "2"]);
  });

  test("settles the same id twice in a batch once", async ({ broker, seedPending }) => {
    await seedPending("a");
    const [a] = await take(broker);

    expect(
      await verdicts(broker, [
        { ...held(a!), to: "done" },
        { ...held(a!), to: "archived", msg: failed(a!) },
      ]),
    ).toEqual(["settled", "lease-lost"]);
  });

  test("settles outcomes of every kind and fence in any order, each with its own values", async ({ broker, aTask, keyspace, redis }) => {
    const locked = ["b", "d"].map((taskId) => aTask({ taskId, payload: taskId, uniqueTtlSec: 60 }));
    const uniqueKey = (nth: number) => locked[nth]!.message.uniqueKey;
    await enqueue(broker, [aTask({ taskId: "a" }), locked[0]!, aTask({ taskId: "c" }), locked[1]!]);
    await enqueue(
      broker,
      ["e", "f", "g"].map((taskId) => aTask({ taskId })),
    );
    const [a, b, c, d] = await take(broker, 4);
    const [e, f, g] = await take(broker, 3);
    const expiredScore = (await redis.zscore("asynq:{default}:lease", "g"))!;
    const asOf = { cutoffSec: startSec + 31 };

    const { results } = await settle(
      broker,
      [
        { ...held(a!), to: "done" },
        { ...held(b!), to: "done", uniqueKey: uniqueKey(0) },
        { ...held(e!), fence: { token: a!.token }, to: "done" },
        { ...held(c!), to: "retry", msg: failed(c!), retryAtSec: startSec + 20, isFailure: true },
        { ...held(d!), to: "completed", msg: failed(d!, 0), expireAtSec: startSec + 30, uniqueKey: uniqueKey(1) },
        { ...held(f!), to: "quarantined", why: "f" },
        { ...held(g!), fence: { expiredScore }, to: "done" },
        { ...held(e!), to: "done" },
      ],
      asOf,
    );

    const [settled, lost] = ["settled", "lease-lost"];
    expect(results.map(({ verdict }) => verdict)).toEqual([settled, settled, lost, settled, settled, settled, settled, settled]);
    expect(await keyspace()).toEqual({
      "asynq:queues": ["default"],
      "asynq:{default}:retry": { c: String(startSec + 20) },
      "asynq:{default}:completed": { d: String(startSec + 30) },
      "asynq:{default}:js:quarantine": { f: String(startSec) },
      "asynq:{default}:t:c": { msg: latin1(failed(c!).bytes), state: "retry" },
      "asynq:{default}:t:d": { msg: latin1(failed(d!, 0).bytes), state: "completed", unique_key: uniqueKey(1) },
      "asynq:{default}:t:f": { msg: latin1(f!.msg), state: "js:quarantine", "js:from": "active", "js:why": "f" },
      "asynq:{default}:processed": "6",
      "asynq:{default}:failed": "1",
      [`asynq:{default}:processed:${day}`]: "6",
      [`asynq:{default}:failed:${day}`]: "1",
    });
  });

  test("takes what is done out of the active ones wherever it stands among others, and each once", async ({
    broker,
    seedPending,
    redis,
  }) => {
    const ids = Array.from({ length: 10 }, (_, i) => `t${i}`);
    const others = [
      { active: [...ids].reverse(), left: [] },
      { active: ["new", ...ids], left: ["new"] },
      { active: [...ids, "old"], left: ["old"] },
      { active: [...ids.slice(0, 4), "old", ...ids.slice(4)], left: ["old"] },
      { active: ["old", ...ids.slice(1), "old"], left: ["old", "old"] },
      { active: ["t9", ...ids, "t8"], left: ["t9", "t8"] },
      { active: [...ids, "t9"], left: ["t9"] },
      { active: ["t5", "old", ...ids], left: ["old", "t5"] },
      { active: ids.slice(3), left: [] },
    ];
    for (const { active, left } of others) {
      await redis.flushdb();
      broker.published.clear();
      await seedPending(...ids);
      const tasks = await take(broker, 10);
      await redis.del("asynq:{default}:active");
      await redis.rpush("asynq:{default}:active", ...active);

      await settle(
        broker,
        tasks.map((task) => (task.id === "t5" ? { ...held(task), to: "requeued" } : { ...held(task), to: "done" })),
      );

      // Of an id that is there twice the one nearer the end goes.
      const first = active.filter((id, i) => !ids.includes(id) || active.indexOf(id, i + 1) >= 0);
      expect([active, await redis.lrange("asynq:{default}:active", 0, -1)]).toEqual([active, first]);
      expect([...first].sort()).toEqual([...left].sort());
    }
  });

  test("settles several queues and more than 100 tasks in one request, with results in order", async ({ broker, aTask, port }) => {
    const tasks = Array.from({ length: 150 }, (_, i) => aTask({ taskId: `t${i}`, queue: i % 3 === 0 ? "low" : "high" }));
    await enqueue(broker, tasks);
    const first = await dequeue(broker, ["high", "low"], 100);
    const second = await dequeue(broker, ["high", "low"], 100);
    const all = [...first.tasks, ...second.tasks];
    const already = port.sent.length;
    const outcomes = all.map((task, i): TaskOutcome => ({ ...held(i === 7 ? { ...task, token: 1 } : task), to: "done" }));

    const { results } = await settle(broker, outcomes);

    expect(results.map(({ verdict }) => verdict)).toEqual(all.map((_, i) => (i === 7 ? "lease-lost" : "settled")));
    expect(port.sent[already]!.length).toBe(2);
  });

  test("splits large messages over calls of about 1 MiB", async ({ broker, aTask, port }) => {
    const payload = new Uint8Array(400_000);
    await enqueue(
      broker,
      Array.from({ length: 5 }, (_, i) => aTask({ taskId: `t${i}`, payload })),
    );
    const tasks = await take(broker, 5);
    await settle(broker, []);
    const already = port.sent.length;

    const outcomes = tasks.map((task): TaskOutcome => ({ ...held(task), to: "archived", msg: failed(task) }));
    expect(await verdicts(broker, outcomes)).toEqual(new Array(5).fill("settled"));

    expect(port.sent[already]).toHaveLength(3);
  });

  test("refuses a wrong token, a whole second (a Go owner) and a missing lease, and writes nothing", async ({
    broker,
    seedPending,
    keyspace,
    redis,
  }) => {
    for (const score of ["same", String(startSec + 30), undefined]) {
      await redis.flushdb();
      broker.published.clear();
      await seedPending("a");
      const [a] = await take(broker);
      if (score === undefined) await redis.zrem("asynq:{default}:lease", "a");
      else if (score !== "same") await redis.zadd("asynq:{default}:lease", score, "a");
      const before = await keyspace();
      const fence = { token: score === "same" ? (a!.token % (2 ** 20 - 1)) + 1 : a!.token };

      for (const outcome of [
        { to: "done" },
        { to: "retry", msg: failed(a!), retryAtSec: startSec, isFailure: true },
        { to: "archived", msg: failed(a!) },
        { to: "requeued" },
      ] as const) {
        expect(await verdicts(broker, [{ queue: "default", id: "a", fence, ...outcome }])).toEqual(["lease-lost"]);
      }

      expect(await keyspace()).toEqual(before);
    }
  });

  test("tells neighbouring tokens apart, at both ends", async ({ broker, seedPending, redis }) => {
    for (const token of [1, 2, 2 ** 19, 2 ** 20 - 2, 2 ** 20 - 1]) {
      await seedPending(`t${token}`);
      const [task] = await take(broker);
      await redis.zadd("asynq:{default}:lease", String(startSec + 30 + token / 2 ** 20), task!.id);

      for (const near of [token - 1, token + 1])
        expect(await verdicts(broker, [{ queue: "default", id: task!.id, fence: { token: near }, to: "done" }])).toEqual(["lease-lost"]);
      expect(await verdicts(broker, [{ queue: "default", id: task!.id, fence: { token }, to: "done" }])).toEqual(["settled"]);
    }
  });

  test("by the score that was read: only that very score, and only when it has expired", async ({ broker, seedPending, redis }) => {
    await seedPending("a");
    await take(broker);
    const expiredScore = (await redis.zscore("asynq:{default}:lease", "a"))!;
    const outcome: TaskOutcome = { queue: "default", id: "a", fence: { expiredScore }, to: "requeued" };

    expect((await settle(broker, [outcome], { cutoffSec: startSec + 30 })).results).toEqual([{ verdict: "lease-lost" }]);
    expect(
      (await settle(broker, [{ ...outcome, fence: { expiredScore: `${startSec + 30}` } }], { cutoffSec: startSec + 31 })).results,
    ).toEqual([{ verdict: "lease-lost" }]);
    expect((await settle(broker, [outcome], { cutoffSec: startSec + 31 })).results).toEqual([{ verdict: "settled" }]);

    await take(broker);
    await redis.zadd("asynq:{default}:lease", startSec + 30, "a");
    const ofGo: TaskOutcome = { ...outcome, fence: { expiredScore: `${startSec + 30}` } };
    expect((await settle(broker, [ofGo], { cutoffSec: startSec + 30 })).results).toEqual([{ verdict: "settled" }]);
  });

  test("refuses a score that Redis never printed, before any I/O", async ({ broker, seedPending, keyspace }) => {
    await seedPending("a");
    await take(broker);
    const before = await keyspace();

    for (const expiredScore of ["", "1;d1:7", "1 "])
      await expect(
        settle(broker, [{ queue: "default", id: "a", fence: { expiredScore }, to: "done" }], { cutoffSec: startSec }),
      ).rejects.toMatchObject({ code: "INVALID_OPTION", option: "expiredScore" });

    expect(await keyspace()).toEqual(before);
  });

  test("drops an id whose hash is gone and resurrects nothing", async ({ broker, seedPending, keyspace, redis }) => {
    await seedPending("a", "b");
    const [a, b] = await take(broker, 2);
    await redis.del("asynq:{default}:t:a");
    await redis.del("asynq:{default}:t:b");
    await redis.set("asynq:{default}:t:b", "not a hash");

    expect(
      await verdicts(broker, [
        { ...held(a!), to: "retry", msg: failed(a!), retryAtSec: startSec, isFailure: true },
        { ...held(b!), to: "archived", msg: failed(b!) },
      ]),
    ).toEqual(["dangling", "dangling"]);

    expect(await keyspace()).toEqual({ "asynq:queues": ["default"], "asynq:{default}:t:b": "not a hash" });
  });

  test("leaves the lock of a completed task whose hash is gone to end by itself", async ({ broker, aTask, redis }) => {
    const task = aTask({ taskId: "a", uniqueTtlSec: 60 });
    await enqueue(broker, [task]);
    const [a] = await take(broker);
    await redis.del("asynq:{default}:t:a");
    const { uniqueKey } = task.message;

    expect(await verdicts(broker, [{ ...held(a!), to: "completed", msg: failed(a!), expireAtSec: startSec, uniqueKey }])).toEqual([
      "dangling",
    ]);

    expect(await redis.get(uniqueKey!)).toBe("a");
  });

  test("deletes what is left of a task whose message is gone", async ({ broker, seedPending, redis, keyspace }) => {
    await seedPending("a", "b");
    const tasks = await take(broker, 2);
    for (const { id } of tasks) await redis.hdel(`asynq:{default}:t:${id}`, "msg");

    expect(
      await verdicts(
        broker,
        tasks.map((task) => ({ ...held(task), to: "retry", msg: failed(task), retryAtSec: startSec, isFailure: true })),
      ),
    ).toEqual(["dangling", "dangling"]);

    expect(await keyspace()).toEqual({ "asynq:queues": ["default"] });
  });

  test("done needs no message: a task whose hash was evicted is done all the same, and counted", async ({
    broker,
    seedPending,
    redis,
    keyspace,
  }) => {
    await seedPending("a");
    const [a] = await take(broker);
    await redis.del("asynq:{default}:t:a");

    expect(await verdicts(broker, [{ ...held(a!), to: "done" }])).toEqual(["settled"]);

    expect(await keyspace()).toMatchObject({ "asynq:{default}:processed": "1" });
  });

  test("a lock that is no text is nobody's: it stays, and the task is settled", async ({ broker, aTask, redis }) => {
    const task = aTask({ taskId: "a", uniqueTtlSec: 60 });
    await enqueue(broker, [task]);
    const { uniqueKey } = task.message;
    await redis.del(uniqueKey!);
    await redis.lpush(uniqueKey!, "in the way");
    const [a] = await take(broker);

    expect(await verdicts(broker, [{ ...held(a!), to: "done", uniqueKey }])).toEqual(["settled"]);

    expect(await redis.lrange(uniqueKey!, 0, -1)).toEqual(["in the way"]);
  });

  test("a task without a lock gives back none, though a key without a name holds its id", async ({ broker, seedPending, redis }) => {
    const outcomes = [
      { to: "done" },
      { to: "completed", expireAtSec: startSec },
      { to: "retry", retryAtSec: startSec, isFailure: true },
    ] as const;
    for (const outcome of outcomes) {
      await redis.flushdb();
      broker.published.clear();
      for (const key of ["", "1"]) await redis.set(key, "a");
      await seedPending("a");
      const [a] = await take(broker);

      expect(await verdicts(broker, [{ ...held(a!), msg: failed(a!), ...outcome } as TaskOutcome])).toEqual(["settled"]);

      expect([await redis.get(""), await redis.get("1")]).toEqual(["a", "a"]);
    }
  });

  test("of an id that is active twice one is taken away, the one nearer the end: there the oldest are", async ({
    broker,
    seedPending,
    redis,
  }) => {
    await seedPending("a");
    const [a] = await take(broker);
    await redis.lpush("asynq:{default}:active", "b", "a");

    await verdicts(broker, [{ ...held(a!), to: "done" }]);

    expect(await redis.lrange("asynq:{default}:active", 0, -1)).toEqual(["a", "b"]);
  });

  test("starts the total again rather than pass int64, and never stumbles over a counter that is no number", async ({
    broker,
    seedPending,
    redis,
  }) => {
    await seedPending("a", "b", "c", "d", "e", "f");
    await redis.set("asynq:{default}:processed", "9223372036854775807");
    await redis.set(`asynq:{default}:processed:${day}`, "not a number");
    const [a, b, c, d, e, f] = await take(broker, 6);

    expect(await verdicts(broker, [{ ...held(a!), to: "done" }])).toEqual(["settled"]);
    expect(await redis.get("asynq:{default}:processed")).toBe("1");

    await redis.set("asynq:{default}:processed", "9223372036854775806");
    await redis.set("asynq:{default}:failed", "5");
    expect(
      await verdicts(
        broker,
        [d!, e!].map((task) => ({ ...held(task), to: "archived", msg: failed(task) })),
      ),
    ).toEqual(["settled", "settled"]);
    expect(await redis.mget("asynq:{default}:processed", "asynq:{default}:failed")).toEqual(["2", "7"]);

    for (const [task, text] of [
      [b!, "no number"],
      [f!, "1.5"],
    ] as const) {
      await redis.set("asynq:{default}:processed", text);
      expect(await verdicts(broker, [{ ...held(task), to: "done" }])).toEqual(["settled"]);
      expect(await redis.get("asynq:{default}:processed")).toBe(text);
    }

    await redis.del("asynq:{default}:processed");
    await redis.lpush("asynq:{default}:processed", "a list");
    expect(await verdicts(broker, [{ ...held(c!), to: "done" }])).toEqual(["settled"]);
  });

  test("moves nothing when a container it may touch is of the wrong type, and settles what does not need that one", async ({
    broker,
    seedPending,
    keyspace,
    redis,
  }) => {
    const needs = [
      ["active", { to: "done" }],
      ["lease", { to: "done" }],
      ["pending", { to: "requeued" }],
      ["completed", { to: "completed", expireAtSec: startSec }],
      ["retry", { to: "retry", retryAtSec: startSec, isFailure: true }],
      ["retry", { to: "recovered", retryAtSec: startSec, recovered: "1@0" }],
      ["scheduled", { to: "handed-back", dueAtSec: startSec, handedBack: 1 }],
      ["archived", { to: "archived" }],
      ["js:quarantine", { to: "quarantined", why: "x" }],
    ] as const;
    for (const [container, outcome] of needs) {
      await redis.flushdb();
      broker.published.clear();
      await seedPending("a", "b");
      const [a, b] = await take(broker, 2);
      await redis.del(`asynq:{default}:${container}`);
      await redis.set(`asynq:{default}:${container}`, "in the way");
      const before = await keyspace();

      const { results } = await settle(broker, [{ ...held(a!), to: "done" }, { ...held(b!), msg: failed(b!), ...outcome } as TaskOutcome]);

      for (const { error } of results)
        expect(error).toMatchObject({
          code: "REDIS",
          reply: "WRONGTYPE",
          delivered: "no",
          message: expect.stringContaining("nothing was moved"),
        });
      expect(await keyspace()).toEqual(before);
      if (outcome.to !== "done") expect(await verdicts(broker, [{ ...held(a!), to: "done" }])).toEqual(["settled"]);
    }
  });

  test("settles a failure though what it does not need is of the wrong kind", async ({ broker, seedPending, redis }) => {
    await seedPending("a");
    const [a] = await take(broker);
    for (const container of ["pending", "completed", "scheduled", "archived", "js:quarantine"])
      await redis.set(`asynq:{default}:${container}`, "in the way");

    expect(await verdicts(broker, [{ ...held(a!), to: "retry", msg: failed(a!), retryAtSec: startSec, isFailure: true }])).toEqual([
      "settled",
    ]);
  });

  test("refuses a second that Redis would refuse after the first write, before any I/O", async ({ broker, seedPending, keyspace }) => {
    await seedPending("a");
    const [a] = await take(broker);
    const before = await keyspace();
    const outcomes = (atSec: number) => [
      { to: "completed", expireAtSec: atSec },
      { to: "retry", retryAtSec: atSec, isFailure: true },
      { to: "recovered", retryAtSec: atSec, recovered: "1@0" },
      { to: "handed-back", dueAtSec: atSec, handedBack: 1 },
    ];

    for (const atSec of [Number.NaN, Number.POSITIVE_INFINITY, startSec + 0.5, undefined as never])
      for (const outcome of outcomes(atSec))
        await expect(settle(broker, [{ ...held(a!), msg: failed(a!), ...outcome } as TaskOutcome])).rejects.toMatchObject({
          code: "INVALID_OPTION",
          option: expect.stringMatching(/AtSec$/),
        });

    expect(await keyspace()).toEqual(before);
  });
});
