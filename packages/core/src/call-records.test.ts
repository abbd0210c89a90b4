/** What a repeated call is answered. The reply is dropped, then the very same bytes are sent again: by the client, an SDK, a proxy. */
import { describe } from "vitest";
import { expect, startSec, test } from "../../../test/support/broker-test.ts";
import { dequeue } from "./broker/dequeue.ts";
import { type EnqueueResult, enqueue } from "./broker/enqueue.ts";
import { settle } from "./broker/settle.ts";
import type { Broker } from "./broker.ts";
import { CallRecords } from "./call-records.ts";
import { StaleCallError } from "./errors.ts";
import type { NewTask } from "./options.ts";
import type { CommandResult } from "./redis.ts";
import type { FaultyRedis } from "./testing/faulty-redis.ts";
import { seededRandom } from "./testing/manual-clock.ts";
import { patchTaskMessage } from "./wire/patch-task-message.ts";

/** Enqueues with the reply lost; answers a function that sends the same bytes again and says what they were answered. */
async function enqueueLosingReply(broker: Broker, port: FaultyRedis, tasks: NewTask[]): Promise<() => Promise<string>> {
  await broker.redis.features();
  port.dropReply();
  await expect(enqueue(broker, tasks)).rejects.toMatchObject({ code: "REDIS", delivered: "unknown" });
  const request = port.sent.at(-1)!;
  return async () => letters((await port.send(request)).at(-1)!);
}

function letters(result: CommandResult): string {
  if (result.error !== undefined) throw result.error;
  return Buffer.from(result.reply as Uint8Array).toString();
}

/** Makes Redis know the scripts, so that a request is one EVALSHA. */
async function warm(broker: Broker, aTask: () => NewTask): Promise<void> {
  await enqueue(broker, [aTask()]);
  const { tasks } = await dequeue(broker, ["default"], 1);
  await settle(broker, [{ queue: "default", id: tasks[0]!.id, fence: { token: tasks[0]!.token }, to: "done" }]);
}

const pending = (queue = "default"): string => `asynq:{${queue}}:pending`;

describe("a replayed enqueue", () => {
  test("at once: one task, and the same answer", async ({ broker, other, port, aTask, redis }) => {
    await warm(other, aTask);
    const replay = await enqueueLosingReply(broker, port, [aTask({ taskId: "a" }), aTask({ taskId: "a" })]);

    expect([await replay(), await replay()]).toEqual(["ec", "ec"]);
    expect(await redis.lrange(pending(), 0, -1)).toEqual(["a"]);
  });

  test("after the task was taken", async ({ broker, other, port, aTask, redis }) => {
    await warm(other, aTask);
    const replay = await enqueueLosingReply(broker, port, [aTask({ taskId: "a" })]);
    await dequeue(other, ["default"], 1);

    expect(await replay()).toBe("e");
    expect(await redis.lrange(pending(), 0, -1)).toEqual([]);
    expect(await redis.hget("asynq:{default}:t:a", "state")).toBe("active");
  });

  test("after it failed once and its message was rewritten", async ({ broker, other, port, aTask, redis }) => {
    await warm(other, aTask);
    const replay = await enqueueLosingReply(broker, port, [aTask({ taskId: "a" })]);
    const [a] = (await dequeue(other, ["default"], 1)).tasks;
    const msg = patchTaskMessage(a!.msg, { retried: 1, errorMsg: "boom" });
    await settle(other, [
      { queue: "default", id: "a", fence: { token: a!.token }, to: "retry", msg, retryAtSec: startSec + 5, isFailure: true },
    ]);

    expect(await replay()).toBe("e");
    expect(Buffer.compare((await redis.hgetBuffer("asynq:{default}:t:a", "msg"))!, msg.bytes)).toBe(0);
    expect(await redis.hget("asynq:{default}:t:a", "state")).toBe("retry");
  });

  test("after it is done and deleted: no second task", async ({ broker, other, port, aTask, redis }) => {
    await warm(other, aTask);
    const replay = await enqueueLosingReply(broker, port, [aTask({ taskId: "a" })]);
    const [a] = (await dequeue(other, ["default"], 1)).tasks;
    await settle(other, [{ queue: "default", id: "a", fence: { token: a!.token }, to: "done" }]);

    expect(await replay()).toBe("e");
    expect(await redis.exists("asynq:{default}:t:a", pending())).toBe(0);
  });

  test("after its unique lock was given back and taken by another: the other keeps it", async ({ broker, other, port, aTask, redis }) => {
    await warm(other, aTask);
    const mine = aTask({ taskId: "a", payload: "p", uniqueTtlSec: 60 });
    const replay = await enqueueLosingReply(broker, port, [mine]);
    const [a] = (await dequeue(other, ["default"], 1)).tasks;
    const uniqueKey = mine.message.uniqueKey!;
    await settle(other, [{ queue: "default", id: "a", fence: { token: a!.token }, to: "done", uniqueKey }]);
    await enqueue(other, [aTask({ taskId: "b", payload: "p", uniqueTtlSec: 60 })]);

    expect(await replay()).toBe("e");
    expect(await redis.get(uniqueKey)).toBe("b");
    expect(await redis.exists("asynq:{default}:t:a")).toBe(0);
  });

  test("whose first verdict was a conflict, the conflicting task gone since: still a conflict", async ({
    broker,
    other,
    port,
    aTask,
    redis,
  }) => {
    await warm(other, aTask);
    await enqueue(other, [aTask({ taskId: "a" })]);
    const replay = await enqueueLosingReply(broker, port, [aTask({ taskId: "a" })]);
    const [a] = (await dequeue(other, ["default"], 1)).tasks;
    await settle(other, [{ queue: "default", id: "a", fence: { token: a!.token }, to: "done" }]);

    expect(await replay()).toBe("c");
    expect(await redis.exists("asynq:{default}:t:a")).toBe(0);
  });

  test("after the record's time it runs anew: a conflict while the task is there, a second task once it is gone", async ({
    broker,
    other,
    port,
    aTask,
    redis,
  }) => {
    await warm(other, aTask);
    const replay = await enqueueLosingReply(broker, port, [aTask({ taskId: "a" })]);
    const expire = async (): Promise<number> => redis.del(...(await redis.keys("asynq:{default}:js:call:*")));

    await expire();
    expect(await replay()).toBe("c");
    const [a] = (await dequeue(other, ["default"], 1)).tasks;
    await settle(other, [{ queue: "default", id: "a", fence: { token: a!.token }, to: "done" }]);
    await expire();
    expect(await replay()).toBe("e");

    expect(await redis.lrange(pending(), 0, -1)).toEqual(["a"]);
  });

  test("but two separate calls with one id and equal bytes: the second is refused", async ({ broker, other, aTask }) => {
    const task = aTask({ taskId: "a" });

    const separate: EnqueueResult[] = [
      ...(await enqueue(broker, [task])),
      ...(await enqueue(broker, [task])),
      ...(await enqueue(other, [task])),
    ];

    expect(separate.map(({ verdict }) => verdict)).toEqual(["enqueued", "task-id-conflict", "task-id-conflict"]);
  });
});

describe("a replayed dequeue", () => {
  test("answers the same tasks while they are still held, and takes no others", async ({
    broker,
    other,
    port,
    aTask,
    seedPending,
    redis,
  }) => {
    await warm(other, aTask);
    await seedPending("a", "b", "c", "d");
    const first = await dequeue(broker, ["default"], 3);
    const request = port.sent.at(-1)!;
    await settle(other, [{ queue: "default", id: "a", fence: { token: first.tasks[0]!.token }, to: "done" }]);
    await redis.zadd("asynq:{default}:lease", startSec + 99, "b");

    const [answer] = await port.send(request);

    const [head, ...rest] = answer!.reply as Uint8Array[];
    expect(Buffer.from(head!).toString()).toBe("0,0,0;1;");
    expect(rest.map((bytes) => Buffer.from(bytes))).toEqual([Buffer.from("c"), Buffer.from(first.tasks[2]!.msg)]);
    expect(await redis.lrange(pending(), 0, -1)).toEqual(["d"]);
  });

  test("says which task is a suspect, and answers none whose message is gone or whose key is no hash", async ({
    broker,
    other,
    port,
    aTask,
    seedPending,
    redis,
  }) => {
    await warm(other, aTask);
    await seedPending("gone", "text", "a", "suspect");
    await redis.hset("asynq:{default}:t:suspect", "js:recovered", "1@0");
    await dequeue(broker, ["default"], 4);
    const request = port.sent.at(-1)!;
    await redis.del("asynq:{default}:t:gone", "asynq:{default}:t:text");
    await redis.set("asynq:{default}:t:text", "no hash");

    const [answer] = await port.send(request);

    const [head, id, , suspect] = (answer!.reply as Uint8Array[]).map((bytes) => Buffer.from(bytes).toString());
    expect([head, id, suspect]).toEqual(["0,0,2;2;", "a", "suspect"]);
  });

  test("answers for each queue, also for one that was left alone, whatever its ids are made of", async ({
    broker,
    other,
    port,
    aTask,
    redis,
  }) => {
    const { cluster } = await broker.redis.features();
    // There each queue is a call of its own.
    if (cluster) return;
    await warm(other, aTask);
    await redis.set("asynq:{broken}:active", "in the way");
    await enqueue(other, [
      ...["1:2;3,4", "7654321", ";2:", "x".repeat(100)].map((taskId) => aTask({ taskId, queue: "one" })),
      aTask({ taskId: "two", queue: "two" }),
    ]);
    await dequeue(broker, ["broken", "one", "none", "two"], 10);
    const request = port.sent.at(-1)!;

    const [answer] = await port.send(request);

    const [head, ...rest] = (answer!.reply as Uint8Array[]).map((bytes) => Buffer.from(bytes).toString());
    expect(head).toBe("0,0,0;x,4,0,1;");
    expect(rest.filter((_, i) => i % 2 === 0)).toEqual(["1:2;3,4", "7654321", ";2:", "x".repeat(100), "two"]);
  });
});

describe("a replayed settle", () => {
  test("answers as the first did and counts nothing twice, also when the task was enqueued and taken again since", async ({
    broker,
    other,
    port,
    aTask,
    redis,
  }) => {
    await warm(other, aTask);
    await enqueue(other, [aTask({ taskId: "a" })]);
    const [a] = (await dequeue(broker, ["default"], 1)).tasks;
    const before = Number(await redis.get("asynq:{default}:processed"));
    await settle(broker, [{ queue: "default", id: "a", fence: { token: a!.token }, to: "done" }]);
    const request = port.sent.at(-1)!;
    await enqueue(other, [aTask({ taskId: "a" })]);
    await dequeue(other, ["default"], 1);

    expect(letters((await port.send(request))[0]!)).toBe("s,0");
    expect(await redis.get("asynq:{default}:processed")).toBe(String(before + 1));
    expect(await redis.lrange("asynq:{default}:active", 0, -1)).toEqual(["a"]);
  });
});

describe("call records", () => {
  test("a call that comes after a later one of its lane was answered writes nothing", async ({
    broker,
    other,
    port,
    aTask,
    redis,
    keyspace,
  }) => {
    await warm(other, aTask);
    await enqueue(broker, [aTask({ taskId: "first" })]);
    const late = port.sent.at(-1)!.slice(-1);
    await enqueue(broker, [aTask({ taskId: "second" })]);
    await redis.del("asynq:{default}:t:first");
    const before = await keyspace();

    expect((await port.send(late))[0]!.error).toMatchObject({ reply: "STALECALL", delivered: "no" });
    expect(await keyspace()).toEqual(before);
    expect(new StaleCallError("enqueue")).toMatchObject({ code: "STALE_CALL" });
  });

  test("a lane whose call was never answered is not used again; others are", async ({ broker, other, port, aTask }) => {
    await warm(other, aTask);
    const laneOf = (): string => String(port.sent.at(-1)!.at(-1)![3]).split(":").at(-1)!;
    await enqueue(broker, [aTask()]);
    expect(laneOf()).toBe("0");
    port.dropReply();
    await expect(enqueue(broker, [aTask()])).rejects.toMatchObject({ delivered: "unknown" });

    await enqueue(broker, [aTask()]);
    expect(laneOf()).toBe("1");
    await enqueue(broker, [aTask()]);
    expect(laneOf()).toBe("1");
  });

  test("calls in flight at once have lanes of their own, each with a rising sequence, under one client drawn at the first call", () => {
    const drawn: number[] = [];
    const random = seededRandom(1);
    const calls = new CallRecords({ float: random.float, bytes: (length) => random.bytes(drawn[drawn.push(length) - 1]!) });
    expect(drawn).toEqual([]);

    const [a, b] = [calls.take(), calls.take()];
    expect([a, b]).toMatchObject([
      { lane: 0, seq: 1 },
      { lane: 1, seq: 1 },
    ]);
    calls.giveBack(a);
    expect(calls.take()).toEqual({ client: a.client, lane: 0, seq: 2 });
    expect(drawn).toEqual([16]);
    expect(b.client).toBe(a.client);
  });

  test("a record is found again by the highest number that a call can have", async ({ broker, other, port, aTask, redis }) => {
    await warm(other, aTask);
    await enqueue(broker, [aTask({ taskId: "a" })]);
    const last = String(Number.MAX_SAFE_INTEGER);
    // The command, the hash, four keys behind their number: then what the call is known by.
    const [first] = port.sent.at(-1)!.slice(-1);
    const at = 3 + Number(first![2]);
    const numbered = (seq: string) => [first!.map((word, i) => (i === at ? seq : word))];

    expect(letters((await port.send(numbered(last)))[0]!)).toBe("c");
    await redis.del("asynq:{default}:t:a");
    expect(letters((await port.send(numbered(last)))[0]!)).toBe("c");
    expect((await port.send(numbered(String(Number.MAX_SAFE_INTEGER - 1))))[0]!.error).toMatchObject({ reply: "STALECALL" });
  });

  test("a record is kept for 300 seconds, and as long again from each repetition on", async ({ broker, port, aTask, redis }) => {
    await enqueue(broker, [aTask()]);

    const [record] = await redis.keys("asynq:{default}:js:call:*");
    expect(await redis.ttl(record!)).toBeGreaterThan(298);
    expect(await redis.get(record!)).toBe("1:e");

    await redis.expire(record!, 10);
    await port.send(port.sent.at(-1)!);
    expect(await redis.ttl(record!)).toBeGreaterThan(298);
  });
});
