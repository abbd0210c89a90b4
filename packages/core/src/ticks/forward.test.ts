import { describe, inject } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { enqueue } from "../broker/enqueue.ts";
import { forward } from "./forward.ts";

describe("forward", () => {
  test("moves what is due to pending, the longest due to be taken first, and leaves the rest", async ({
    broker,
    aTask,
    keyspace,
    clock,
    redis,
  }) => {
    await enqueue(broker, [
      aTask({ taskId: "report", processInSec: 10 }),
      aTask({ taskId: "digest", processInSec: 60 }),
      aTask({ taskId: "early", processInSec: 5 }),
    ]);
    await enqueue(broker, [aTask({ taskId: "again", processInSec: 1 })]);
    await redis.zrem("asynq:{default}:scheduled", "again");
    await redis.zadd("asynq:{default}:retry", startSec + 10, "again");

    await clock.advance(10_000);
    expect(await forward(broker, { queues: ["default"] })).toEqual({
      ...{ forwarded: 3, dangling: 0, quarantined: 0, more: false, errors: [] },
      nextSec: startSec + 60,
    });

    const pendingSince = `${startSec + 10}000000000`;
    expect(await keyspace()).toEqual({
      "asynq:queues": ["default"],
      "asynq:{default}:pending": ["again", "report", "early"],
      "asynq:{default}:scheduled": { digest: String(startSec + 60) },
      "asynq:{default}:t:early": { msg: expect.any(String), state: "pending", pending_since: pendingSince },
      "asynq:{default}:t:report": { msg: expect.any(String), state: "pending", pending_since: pendingSince },
      "asynq:{default}:t:again": { msg: expect.any(String), state: "pending", pending_since: pendingSince },
      "asynq:{default}:t:digest": { msg: expect.any(String), state: "scheduled" },
    });
  });

  test("puts a task that was in a group back into it, and the group into the index", async ({ broker, aTask, keyspace, redis }) => {
    await enqueue(broker, [aTask({ taskId: "a", group: "g" })]);
    await redis.del("asynq:{default}:g:g", "asynq:{default}:groups");
    await redis.zadd("asynq:{default}:retry", startSec, "a");

    await forward(broker, { queues: ["default"] });

    expect(await keyspace()).toEqual({
      "asynq:queues": ["default"],
      "asynq:{default}:groups": ["g"],
      "asynq:{default}:g:g": { a: String(startSec) },
      "asynq:{default}:t:a": { msg: expect.any(String), state: "aggregating", group: "g" },
    });
  });

  test("works off any number in batches of 100", async ({ broker, aTask, clock, redis }) => {
    await enqueue(
      broker,
      Array.from({ length: 250 }, (_, i) => aTask({ taskId: `t${i}`, processInSec: 1 })),
    );

    await clock.advance(1_000);

    expect(await forward(broker, { queues: ["default"] })).toMatchObject({ forwarded: 250, more: false });
    expect(await redis.llen("asynq:{default}:pending")).toBe(250);
  });

  test("gives each queue its turn: one with many due starves none, in one request per round", async ({
    broker,
    aTask,
    clock,
    port,
    redis,
  }) => {
    const overHttp = ["fetch", "upstash"].includes(inject("brokerPort"));
    await enqueue(
      broker,
      Array.from({ length: 3_000 }, (_, i) => aTask({ taskId: `t${i}`, queue: "full", processInSec: 1 })),
    );
    await enqueue(broker, [aTask({ taskId: "other", queue: "other", processInSec: 1 })]);
    await clock.advance(1_000);
    await forward(broker, { queues: ["warm"] });
    const already = port.sent.length;
    let asked = 0;

    const report = await forward(broker, { queues: ["full", "other"], enough: () => asked++ === 1 });

    expect(report).toMatchObject({ forwarded: 101, more: true });
    expect(await redis.lrange("asynq:{other}:pending", 0, -1)).toEqual(["other"]);
    expect(await forward(broker, { queues: ["full", "other"] })).toMatchObject({ forwarded: 2_900, more: false });
    // Over HTTP, where a request is paid for, of what turns out to be full there is more in each, up to eight batches.
    const calls = port.sent.slice(already + 1).map((commands) => commands.length);
    expect(calls.slice(0, 5)).toEqual(overHttp ? [4, 2, 4, 8, 8] : [4, 1, 1, 1, 1]);
    expect(calls.length).toBe(overHttp ? 6 : 30);
  });

  test("stops when its budget is spent and says that work is left", async ({ broker, aTask, clock }) => {
    await enqueue(broker, [aTask({ processInSec: 1 })]);
    await clock.advance(1_000);

    expect(await forward(broker, { queues: ["default"], budgetMs: 0 })).toMatchObject({ forwarded: 0, more: true });
    expect(await forward(broker, { queues: ["default"], signal: AbortSignal.abort() })).toMatchObject({ forwarded: 0, more: true });
    expect(await forward(broker, { queues: ["default"] })).toMatchObject({ forwarded: 1, more: false });
  });

  test("drops what has no hash and reports a queue it cannot serve, while it serves the others", async ({
    broker,
    aTask,
    clock,
    redis,
    keyspace,
  }) => {
    await enqueue(broker, [
      aTask({ taskId: "a", queue: "broken", processInSec: 1 }),
      aTask({ taskId: "b", queue: "open", processInSec: 1 }),
    ]);
    await redis.zadd("asynq:{open}:retry", startSec, "gone");
    await redis.set("asynq:{broken}:pending", "in the way");

    await clock.advance(1_000);
    const report = await forward(broker, { queues: ["broken", "open"] });

    expect(report).toMatchObject({ forwarded: 1, dangling: 1, more: false });
    expect(report.errors.map(({ queue, error }) => [queue, (error as { reply?: string }).reply])).toEqual([
      ["broken", "WRONGTYPE"],
      ["broken", "WRONGTYPE"],
    ]);
    expect(await keyspace()).toMatchObject({ "asynq:{open}:pending": ["b"], "asynq:{broken}:scheduled": { a: String(startSec + 1) } });
  });

  test("sets a task aside whose group's key is of the wrong type, so that it does not block those behind it", async ({
    broker,
    aTask,
    redis,
    keyspace,
  }) => {
    await enqueue(broker, [aTask({ taskId: "a", group: "g" })]);
    await redis.del("asynq:{default}:g:g");
    await redis.set("asynq:{default}:g:g", "in the way");
    await redis.zadd("asynq:{default}:retry", startSec, "a");

    expect(await forward(broker, { queues: ["default"] })).toMatchObject({ forwarded: 0, quarantined: 1 });

    expect(await keyspace()).toMatchObject({
      "asynq:{default}:js:quarantine": { a: String(startSec) },
      "asynq:{default}:t:a": { state: "js:quarantine", "js:from": "retry" },
    });
  });

  test("any number of copies at once move each task once", async ({ broker, other, aTask, clock, redis }) => {
    await enqueue(
      broker,
      Array.from({ length: 150 }, (_, i) => aTask({ taskId: `t${i}`, processInSec: 1 })),
    );
    await clock.advance(1_000);

    const reports = await Promise.all([broker, other, broker, other].map((one) => forward(one, { queues: ["default"] })));

    expect(reports.reduce((sum, { forwarded }) => sum + forwarded, 0)).toBe(150);
    expect(new Set(await redis.lrange("asynq:{default}:pending", 0, -1)).size).toBe(150);
    expect(await redis.llen("asynq:{default}:pending")).toBe(150);
  });

  test("starts over every so often until its budget is spent", async ({ broker, aTask, clock }) => {
    await enqueue(broker, [aTask({ processInSec: 2 }), aTask({ processInSec: 4 }), aTask({ processInSec: 60 })]);

    const tick = forward(broker, { queues: ["default"], everyMs: 1_000, budgetMs: 5_500 });
    // Each start is real I/O, so time goes on only once the tick waits for it.
    for (let second = 1; second <= 6; second++) {
      while (
        clock.waiting === 0 &&
        (await Promise.race([tick.then(() => false), new Promise((resolve) => setImmediate(resolve, true))]))
      ) {}
      await clock.advance(1_000);
    }

    expect(await tick).toMatchObject({ forwarded: 2, more: false });
  });
});
