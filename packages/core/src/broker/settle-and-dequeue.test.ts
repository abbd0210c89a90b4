import { describe, inject } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import type { Command, RedisPort, Reply } from "../redis.ts";
import type { FaultyRedis } from "../testing/faulty-redis.ts";
import { patchTaskMessage } from "../wire/patch-task-message.ts";
import { type DequeuedTask, type DequeueReport, dequeue } from "./dequeue.ts";
import { enqueue } from "./enqueue.ts";
import { pauseQueue } from "./pause-queue.ts";
import type { TaskOutcome } from "./settle.ts";
import { settleAndDequeue } from "./settle-and-dequeue.ts";

const done = ({ queue, id, token }: DequeuedTask): TaskOutcome => ({ queue, id, fence: { token }, to: "done" });
const textOf = (reply: Reply): string => Buffer.from(reply as Uint8Array).toString();
/** Requests as they are sent at first: what Redis does not know comes behind, by its text. */
const byHash = ({ sent }: FaultyRedis): (readonly Command[])[] => sent.filter(([first]) => first![0] === "EVALSHA");
const idsOf = (report: unknown): string[] => (report as DequeueReport).tasks.map(({ id }) => id);

describe("settleAndDequeue", () => {
  test("settles what is done, and takes as many others", async ({ broker, seedPending, keyspace }) => {
    await seedPending("a", "b", "c", "d");
    const { tasks } = await dequeue(broker, ["default"], 2);

    const { settled, dequeued } = await settleAndDequeue(broker, tasks.map(done), { queues: ["default"], limit: 2, suspect: true });

    expect(settled).toEqual({ results: [{ verdict: "settled" }, { verdict: "settled" }], trimmed: 0 });
    expect(idsOf(dequeued)).toEqual(["c", "d"]);
    expect(await keyspace()).toMatchObject({
      "asynq:{default}:active": ["d", "c"],
      "asynq:{default}:processed": "2",
    });
    expect(Object.keys(await keyspace()).filter((key) => key.includes(":t:"))).toEqual(["asynq:{default}:t:c", "asynq:{default}:t:d"]);
  });

  test("of one queue goes as one call, of which a repetition writes nothing and answers what is still held", async ({
    broker,
    seedPending,
    port,
    redis,
    keyspace,
  }) => {
    await seedPending("a", "b", "c", "d");
    const { tasks } = await dequeue(broker, ["default"], 1);
    await settleAndDequeue(broker, tasks.map(done), { queues: ["default"], limit: 2, suspect: true });
    const calls = byHash(port).at(-1)!;
    const { cluster } = await port.features();
    expect(calls).toHaveLength(cluster ? 2 : 1);
    await redis.zrem("asynq:{default}:lease", "b");
    const before = await keyspace();

    const again = (await port.send(calls)).map(({ reply }) => reply as Reply[]);

    if (!cluster) expect(again[0]!.map(textOf).filter((_, nth) => nth < 2)).toEqual(["s,0;0,0,0;1;", "c"]);
    expect(await keyspace()).toEqual(before);
  });

  test("of one queue is refused as a whole when it comes after a later call of its lane", async ({
    broker,
    seedPending,
    port,
    keyspace,
  }) => {
    await seedPending("a", "b", "c", "d");
    const fetch = { queues: ["default"], limit: 1, suspect: true };
    const first = await settleAndDequeue(broker, (await dequeue(broker, ["default"], 1)).tasks.map(done), fetch);
    const late = byHash(port).at(-1)!;
    await settleAndDequeue(broker, (first.dequeued as DequeueReport).tasks.map(done), fetch);
    const before = await keyspace();

    const [answer] = await port.send(late);

    expect(answer!.error).toMatchObject({ reply: "STALECALL" });
    expect(await keyspace()).toEqual(before);
  });

  test("brings tasks wherever they are to go, and takes what it puts back itself", async ({ broker, seedPending, redis, keyspace }) => {
    await seedPending("a", "b", "c", "d");
    const { tasks } = await dequeue(broker, ["default"], 4);
    const [a, b, c, d] = tasks.map(({ queue, id, token, msg }) => ({ queue, id, fence: { token }, msg: patchTaskMessage(msg, {}) }));

    const { settled, dequeued } = await settleAndDequeue(
      broker,
      [
        { ...a!, to: "retry", retryAtSec: startSec + 9, isFailure: true },
        { ...b!, to: "archived" },
        { ...c!, to: "requeued" },
        { ...d!, fence: { token: d!.fence.token ^ 1 }, to: "done" },
      ],
      { queues: ["default"], limit: 3, suspect: true },
    );

    expect(settled.results.map(({ verdict }) => verdict)).toEqual(["settled", "settled", "settled", "lease-lost"]);
    expect(idsOf(dequeued)).toEqual(["c"]);
    expect(await keyspace()).toMatchObject({
      "asynq:{default}:active": ["c", "d"],
      "asynq:{default}:retry": { a: String(startSec + 9) },
      "asynq:{default}:archived": { b: String(startSec) },
      "asynq:{default}:processed": "2",
      "asynq:{default}:failed": "2",
    });
    expect(await redis.exists("asynq:{default}:pending")).toBe(0);
  });

  test("of several queues, or of one that is not settled, goes as calls of their own", async ({
    broker,
    other,
    aTask,
    port,
    seedPending,
  }) => {
    await seedPending("a", "b");
    await enqueue(other, [aTask({ taskId: "x", queue: "second" })]);
    const { tasks } = await dequeue(broker, ["default"], 2);

    const { dequeued } = await settleAndDequeue(broker, [done(tasks[0]!)], { queues: ["second"], limit: 1, suspect: true });
    const both = { queues: ["second", "default"], limit: 1, suspect: true };
    const { settled } = await settleAndDequeue(broker, [done(tasks[1]!)], both);

    expect(idsOf(dequeued)).toEqual(["x"]);
    expect(settled.results).toEqual([{ verdict: "settled" }]);
    expect(
      byHash(port)
        .slice(-2)
        .map((calls) => calls.length),
    ).toEqual([2, 2]);
  });

  test.runIf(inject("brokerPort") === "redis")(
    "has Redis remember nothing of what it reads where it is not to, and does its work where Redis was not asked to remember anything",
    async ({ broker, seedPending, port, other, aTask }) => {
      await seedPending("a", "b", "c");
      await enqueue(other, [aTask({ taskId: "x", queue: "second" })]);
      const { tasks } = await dequeue(broker, ["default"], 2);

      for (const [nth, queue] of ["default", "second"].entries()) {
        const { settled, dequeued } = await settleAndDequeue(broker, [done(tasks[nth]!)], {
          ...{ queues: [queue], limit: 1, suspect: true, unwatched: true },
        });
        expect(settled.results).toEqual([{ verdict: "settled" }]);
        expect(idsOf(dequeued)).toEqual([nth === 0 ? "c" : "x"]);
      }

      const asked = port.sent.filter(([first]) => first![0] === "CLIENT").map((commands) => commands.map(([name]) => name));
      expect(asked).toEqual([
        ["CLIENT", "EVALSHA"],
        ["CLIENT", "EVALSHA", "CLIENT", "EVALSHA"],
      ]);
    },
  );

  test("fetches though an outcome has nowhere to go", async ({ broker, seedPending, redis, keyspace }) => {
    await seedPending("a", "b", "c");
    const { tasks } = await dequeue(broker, ["default"], 1);
    await redis.set("asynq:{default}:archived", "no set");
    const archived = { ...done(tasks[0]!), to: "archived", msg: patchTaskMessage(tasks[0]!.msg, {}) } as const;

    const { settled, dequeued } = await settleAndDequeue(broker, [archived], { queues: ["default"], limit: 1, suspect: true });

    expect(settled.results[0]!.error).toMatchObject({ reply: "WRONGTYPE" });
    expect(idsOf(dequeued)).toEqual(["b"]);
    expect(await keyspace()).toMatchObject({ "asynq:{default}:active": ["b", "a"], "asynq:{default}:pending": ["c"] });
  });

  test("goes as one request, which the port may repeat as it is: both parts answer as the first time", async ({
    broker,
    seedPending,
    port,
    keyspace,
  }) => {
    const { cluster } = await port.features();
    await seedPending("a", "b", "c");
    const { tasks } = await dequeue(broker, ["default"], 1);
    let requests = 0;
    const repeating: RedisPort = {
      ...port,
      async send(commands, options) {
        requests++;
        await port.send(commands, options);
        return port.send(commands, options);
      },
    };

    const answer = await settleAndDequeue({ ...broker, redis: repeating }, tasks.map(done), {
      queues: ["default"],
      limit: 1,
      suspect: true,
    });

    // Scripts that Redis does not know yet go by text, behind.
    expect(requests).toBeLessThanOrEqual(cluster ? 3 : 2);
    expect(answer.settled.results).toEqual([{ verdict: "settled" }]);
    expect(idsOf(answer.dequeued)).toEqual(["b"]);
    expect(await keyspace()).toMatchObject({ "asynq:{default}:active": ["b"], "asynq:{default}:pending": ["c"] });
  });

  test("settles what is done though nothing may be taken, and says why where a part was refused", async ({
    broker,
    seedPending,
    redis,
    keyspace,
  }) => {
    await seedPending("a", "b");
    const { tasks } = await dequeue(broker, ["default"], 1);
    await pauseQueue(broker, "default");

    const paused = await settleAndDequeue(broker, tasks.map(done), { queues: ["default"], limit: 1, suspect: true });

    expect(paused.settled.results).toEqual([{ verdict: "settled" }]);
    expect(paused.dequeued).toMatchObject({ tasks: [], brokenQueues: [] });

    await redis.del("asynq:{default}:active");
    await redis.set("asynq:{default}:active", "no list");
    const refused = await settleAndDequeue(broker, tasks.map(done), { queues: ["default"], limit: 1, suspect: true });

    expect(refused.settled.results[0]!.error).toMatchObject({ reply: "WRONGTYPE" });
    expect(refused.dequeued).toMatchObject({ tasks: [], brokenQueues: ["default"] });
    expect(await keyspace()).toMatchObject({ "asynq:{default}:pending": ["b"] });
  });
});
