import { describe, inject } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { leaseScore } from "../lease.ts";
import { encodeTaskMessage } from "../wire/encode-task-message.ts";
import { dequeue } from "./dequeue.ts";
import { enqueue } from "./enqueue.ts";
import { listGroups } from "./list-groups.ts";
import { listQueues } from "./list-queues.ts";
import { settle } from "./settle.ts";

describe("dequeue", () => {
  test("makes the oldest tasks active, each with a lease whose fraction is the call's token", async ({ broker, seedPending, keyspace }) => {
    await seedPending("a", "b", "c");

    const { tasks } = await dequeue(broker, ["default"], 2);

    expect(tasks.map(({ id, queue, leaseUntilSec }) => ({ id, queue, leaseUntilSec }))).toEqual([
      { id: "a", queue: "default", leaseUntilSec: startSec + 30 },
      { id: "b", queue: "default", leaseUntilSec: startSec + 30 },
    ]);
    const { token } = tasks[0]!;
    expect(token).toBe(tasks[1]!.token);
    expect(await keyspace()).toMatchObject({
      "asynq:{default}:pending": ["c"],
      "asynq:{default}:active": ["b", "a"],
      "asynq:{default}:t:a": { state: "active" },
    });
    const space = await keyspace();
    const leases = space["asynq:{default}:lease"] as Record<string, string>;
    expect(Number(leases.a)).toBe(leaseScore(startSec + 30, token));
    expect(space["asynq:{default}:t:a"]).not.toHaveProperty("pending_since");
  });

  test("hands over the stored message byte for byte", async ({ broker, aTask }) => {
    const task = aTask({ taskId: "a", payload: Uint8Array.from({ length: 256 }, (_, i) => i) });
    await enqueue(broker, [task]);

    const { tasks } = await dequeue(broker, ["default"], 1);

    expect(Buffer.compare(tasks[0]!.msg, encodeTaskMessage(task.message).bytes)).toBe(0);
  });

  test("hands over an id, a queue and a group as they are, also if they begin with a byte order mark, so that the task can be settled", async ({
    broker,
    aTask,
    keyspace,
  }) => {
    const queue = "\ufeffq";
    await enqueue(broker, [aTask({ taskId: "\ufeffa", queue }), aTask({ taskId: "b", queue, group: "\ufeffg" })]);
    expect(await listQueues(broker)).toEqual([queue]);
    expect(await listGroups(broker, queue)).toMatchObject({ groups: ["\ufeffg"] });

    const [task] = (await dequeue(broker, [queue], 1)).tasks;

    expect(task!.id).toBe("\ufeffa");
    const { results } = await settle(broker, [{ queue, id: task!.id, fence: { token: task!.token }, to: "done" }]);
    expect(results).toEqual([{ verdict: "settled" }]);
    expect(Object.keys(await keyspace()).filter((key) => key.includes(":t:"))).toHaveLength(1);
  });

  test("answers nothing, and writes no record, when nothing is pending", async ({ broker, redis }) => {
    expect(await dequeue(broker, ["default", "low"], 10)).toEqual({ tasks: [], dangling: 0, putOff: 0, brokenQueues: [] });
    expect(await redis.keys("*")).toEqual([]);
  });

  test("says how long each task was pending, where that is known", async ({ broker, seedPending, clock, redis }) => {
    await seedPending("a", "requeued-by-go", "written-by-anybody");
    await redis.hdel("asynq:{default}:t:requeued-by-go", "pending_since");
    await redis.hset("asynq:{default}:t:written-by-anybody", "pending_since", "inf");
    await clock.advance(2_500);
    await seedPending("b");
    await clock.advance(100);

    const { tasks } = await dequeue(broker, ["default"], 10);

    // What a port repeats is answered from the record, which does not keep it.
    const replayed = inject("brokerPort") === "replaying";
    expect(tasks.map(({ id, waitedMs }) => [id, waitedMs])).toEqual([
      ["a", replayed ? undefined : 2_600],
      ["requeued-by-go", undefined],
      ["written-by-anybody", undefined],
      ["b", replayed ? undefined : 100],
    ]);
  });

  test("knows of no wait where one of them is written in two parts, and takes the tasks all the same", async ({
    broker,
    seedPending,
    redis,
  }) => {
    await seedPending("a", "b");
    await redis.hset("asynq:{default}:t:a", "pending_since", "1,2");

    expect((await dequeue(broker, ["default"], 2)).tasks).toMatchObject([
      { id: "a", waitedMs: undefined },
      { id: "b", waitedMs: undefined },
    ]);
  });

  test("makes a tree of leases that are many, by one call or by several, and leaves nothing else among them", async ({
    broker,
    seedPending,
    redis,
  }) => {
    const lease = "asynq:{default}:lease";
    const isTree = async () => (await redis.object("ENCODING", lease)) === "skiplist";
    const take = async (from: number, to: number) => {
      const ids = Array.from({ length: to - from }, (_, i) => `t${from + i}`);
      await seedPending(...ids);
      expect((await dequeue(broker, ["default"], 100)).tasks.map(({ id }) => id)).toEqual(ids);
      expect(await redis.zcard(lease)).toBe(to);
    };

    await take(0, 9);
    expect(await isTree()).toBe(true);

    await redis.flushdb();
    broker.published.clear();
    for (const from of [0, 8, 16, 24]) await take(from, from + 8);
    expect(await isTree()).toBe(false);
    await take(32, 33);
    expect(await isTree()).toBe(true);

    await redis.flushdb();
    broker.published.clear();
    for (const from of [0, 8, 16, 24]) await take(from, from + 8);
    await redis.zadd(lease, startSec, "of another");
    await seedPending("last");
    await dequeue(broker, ["default"], 1);
    expect(await isTree()).toBe(false);
  });

  test("keeps the lease of a task whose id is as long as what makes the tree", async ({ broker, seedPending, redis }) => {
    const id = "-".repeat(65);
    await seedPending(id);
    const [first] = (await dequeue(broker, ["default"], 1)).tasks;
    await seedPending(...Array.from({ length: 9 }, (_, i) => `t${i}`));

    await dequeue(broker, ["default"], 9);

    expect(await redis.zcard("asynq:{default}:lease")).toBe(10);
    expect(Number(await redis.zscore("asynq:{default}:lease", id))).toBe(leaseScore(startSec + 30, first!.token));
  });

  test("takes all of the first queue before any of the second, up to the limit", async ({ broker, aTask }) => {
    await enqueue(broker, [
      aTask({ taskId: "l1", queue: "low" }),
      aTask({ taskId: "h1", queue: "high" }),
      aTask({ taskId: "h2", queue: "high" }),
      aTask({ taskId: "later", queue: "high", processInSec: 60 }),
      aTask({ taskId: "l2", queue: "low" }),
    ]);

    const { tasks } = await dequeue(broker, ["high", "low"], 3);

    expect(tasks.map(({ queue, id }) => `${queue}/${id}`)).toEqual(["high/h1", "high/h2", "low/l1"]);
  });

  test("takes at most 100 in a call", async ({ broker, seedPending }) => {
    await seedPending(...Array.from({ length: 101 }, (_, i) => `t${i}`));

    expect((await dequeue(broker, ["default"], 1000)).tasks).toHaveLength(100);
  });

  test("looks at any number of queues, 250 a call, and at no more of them once it has enough", async ({ broker, aTask, port }) => {
    const { cluster } = await broker.redis.features();
    const queues = Array.from({ length: 600 }, (_, nth) => `queue${nth}`);
    for (const nth of [0, 249, 250, 599]) await enqueue(broker, [aTask({ queue: `queue${nth}`, taskId: String(nth) })]);
    // By now every node knows the script.
    await dequeue(broker, ["empty", ...queues.slice(1, 249)], 1);
    const sent = port.sent.length;

    expect((await dequeue(broker, queues, 2)).tasks.map(({ id }) => id)).toEqual(["0", "249"]);
    expect(port.sent.length - sent).toBe(cluster ? 250 : 1);
    expect((await dequeue(broker, queues, 2)).tasks.map(({ id }) => id)).toEqual(["250", "599"]);
    expect(port.sent.length - sent).toBe(cluster ? 850 : 4);
  });

  test("leaves a paused queue alone and serves the others", async ({ broker, aTask, redis }) => {
    await enqueue(broker, [aTask({ taskId: "p", queue: "paused" }), aTask({ taskId: "o", queue: "open" })]);
    await redis.set("asynq:{paused}:paused", "1");

    const { tasks } = await dequeue(broker, ["paused", "open"], 10);

    expect(tasks.map(({ queue, id }) => [queue, id])).toEqual([["open", "o"]]);
  });

  test("names a queue with a container of the wrong type, moves nothing of it, and serves the others", async ({ broker, aTask, redis }) => {
    for (const container of ["pending", "active", "lease", "scheduled"]) {
      await redis.flushdb();
      broker.published.clear();
      await enqueue(broker, [aTask({ taskId: "x", queue: "broken" }), aTask({ taskId: "o", queue: "open" })]);
      await redis.del(`asynq:{broken}:${container}`);
      await redis.set(`asynq:{broken}:${container}`, "in the way");

      const report = await dequeue(broker, ["broken", "open"], 10);

      expect(report).toMatchObject({ brokenQueues: ["broken"], tasks: [{ id: "o", queue: "open" }] });
      if (container !== "pending") expect(await redis.lrange("asynq:{broken}:pending", 0, -1)).toEqual(["x"]);
    }
  });

  test("takes a suspect only when it may, and puts others off for one to five seconds with nothing charged", async ({
    broker,
    seedPending,
    redis,
    keyspace,
  }) => {
    await seedPending("a", "s1", "s2", "b");
    await redis.hset("asynq:{default}:t:s1", "js:recovered", "1@0");
    await redis.hset("asynq:{default}:t:s2", "js:recovered", "2@0");
    await redis.hset("asynq:{default}:t:b", "js:recovered", "0@3");

    const report = await dequeue(broker, ["default"], 10);

    expect(report.tasks.map(({ id, suspect }) => ({ id, suspect }))).toEqual([
      { id: "a", suspect: false },
      { id: "s1", suspect: true },
      { id: "b", suspect: false },
    ]);
    expect(report.putOff).toBe(1);
    const space = await keyspace();
    const dueSec = Number((space["asynq:{default}:scheduled"] as Record<string, string>).s2);
    expect(dueSec - startSec).toBeGreaterThanOrEqual(1);
    expect(dueSec - startSec).toBeLessThanOrEqual(5);
    expect(space["asynq:{default}:t:s2"]).toEqual({ msg: expect.any(String), state: "scheduled", "js:recovered": "2@0" });

    await redis.rpush("asynq:{default}:pending", "s2");
    await redis.zrem("asynq:{default}:scheduled", "s2");
    expect(await dequeue(broker, ["default"], 10, { suspect: false })).toMatchObject({ tasks: [], putOff: 1 });
  });

  test("puts suspects off to one second after the other, so that they do not all meet again", async ({ broker, seedPending, redis }) => {
    const ids = Array.from({ length: 10 }, (_, i) => `s${i}`);
    await seedPending(...ids);
    for (const id of ids) await redis.hset(`asynq:{default}:t:${id}`, "js:recovered", "1@0");

    await dequeue(broker, ["default"], 10, { suspect: false });

    const due = await Promise.all(ids.map(async (id) => Number(await redis.zscore("asynq:{default}:scheduled", id)) - startSec));
    expect([...due].sort()).toEqual([1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
    for (const [i, sec] of due.slice(1).entries()) expect(sec).toBe((due[i]! % 5) + 1);
  });

  test("looks at no more than 100 ids, however many of them are dangling", async ({ broker, redis }) => {
    await redis.lpush("asynq:{default}:pending", ...Array.from({ length: 150 }, (_, i) => `gone${i}`));

    expect(await dequeue(broker, ["default"], 10)).toMatchObject({ tasks: [], dangling: 100 });
    expect(await redis.llen("asynq:{default}:pending")).toBe(50);
  });

  test("looks at the hundredth id too, behind those that are dangling", async ({ broker, seedPending, redis }) => {
    await seedPending("a");
    await redis.rpush("asynq:{default}:pending", ...Array.from({ length: 99 }, (_, i) => `gone${i}`));

    expect(await dequeue(broker, ["default"], 99)).toMatchObject({ tasks: [{ id: "a" }], dangling: 99 });
  });

  test("takes a task whose age cannot be read, and does not say how long it waited", async ({ broker, seedPending, redis }) => {
    await seedPending("a");
    await redis.hset("asynq:{default}:t:a", "pending_since", "long ago");

    expect((await dequeue(broker, ["default"], 1)).tasks).toMatchObject([{ id: "a", waitedMs: undefined }]);
  });

  test("writes a record of a call that took a single id, though it only dropped it", async ({ broker, redis }) => {
    await redis.lpush("asynq:{default}:pending", "gone");

    expect(await dequeue(broker, ["default"], 1)).toMatchObject({ tasks: [], dangling: 1 });

    expect(await redis.keys("asynq:{default}:js:call:*")).toHaveLength(1);
  });

  test("drops an id whose key is no hash and leaves that key alone", async ({ broker, redis, keyspace }) => {
    await redis.set("asynq:{default}:t:odd", "not a hash");
    await redis.lpush("asynq:{default}:pending", "odd");

    expect(await dequeue(broker, ["default"], 10)).toMatchObject({ tasks: [], dangling: 1 });
    expect(await keyspace()).toEqual({ "asynq:{default}:t:odd": "not a hash" });
  });
});
