import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { aggregationCheck } from "../broker/aggregation-check.ts";
import { dequeue } from "../broker/dequeue.ts";
import { enqueue } from "../broker/enqueue.ts";
import { extendLeases } from "../broker/extend-leases.ts";
import { settle } from "../broker/settle.ts";
import { decodeTaskMessage } from "../wire/decode-task-message.ts";
import { forward } from "./forward.ts";
import { recover } from "./recover.ts";

const queues = ["default"];

describe("recover", () => {
  test("sends a task whose worker is lost to retry, charges nothing, and notes the crash", async ({
    broker,
    seedPending,
    clock,
    keyspace,
    redis,
  }) => {
    await seedPending("a");
    await dequeue(broker, queues, 1);

    await clock.advance(61_000);
    expect(await recover(broker, { queues })).toEqual({
      recovered: 1,
      archived: 0,
      quarantined: 0,
      dangling: 0,
      reclaimed: 0,
      trimmed: 0,
      more: false,
      errors: [],
    });

    const space = await keyspace();
    expect(Object.keys(space)).toEqual(["asynq:queues", "asynq:{default}:retry", "asynq:{default}:t:a"]);
    expect(space["asynq:{default}:t:a"]).toMatchObject({ state: "retry", "js:recovered": "1@0" });
    const dueSec = Number((space["asynq:{default}:retry"] as Record<string, string>).a);
    expect(dueSec).toBeGreaterThanOrEqual(startSec + 61 + 2);
    expect(dueSec).toBeLessThanOrEqual(startSec + 61 + 4);
    expect(decodeTaskMessage((await redis.hgetBuffer("asynq:{default}:t:a", "msg"))!, "a")).toMatchObject({
      retried: 0,
      errorMsg: "asynq: task lease expired",
      lastFailedAtSec: startSec + 61,
    });
  });

  test("leaves a lease alone until 30 s after its end, and one that was extended", async ({ broker, seedPending, clock }) => {
    await seedPending("a", "b");
    const { tasks } = await dequeue(broker, queues, 2);

    await clock.advance(60_000);
    // The fraction of a lease is its token: what is over in the next second is over for all.
    expect(await recover(broker, { queues })).toMatchObject({ recovered: 0, nextSec: startSec + 30 + 1 + 30 });

    await extendLeases(broker, [tasks[0]!], startSec + 90);
    await clock.advance(1_000);
    expect(await recover(broker, { queues })).toMatchObject({ recovered: 1, nextSec: startSec + 90 + 1 + 30 });
  });

  test("tells when the next aggregation set is due, where that is sooner than a lease", async ({ broker, seedPending, redis }) => {
    expect((await recover(broker, { queues })).nextSec).toBeUndefined();
    await seedPending("a");
    await dequeue(broker, queues, 1);
    for (const [deadlineSec, nextSec] of [
      [startSec + 70, startSec + 61],
      [startSec + 60, startSec + 60],
    ] as const) {
      await redis.zadd("asynq:{default}:aggregation_sets", deadlineSec, "asynq:{default}:g:g:some-id");
      expect(await recover(broker, { queues })).toMatchObject({ nextSec });
    }
  });

  test("recovers a Go worker's task too, whose lease is a whole second", async ({ broker, seedPending, clock, redis }) => {
    await seedPending("a");
    await dequeue(broker, queues, 1);
    await redis.zadd("asynq:{default}:lease", startSec + 30, "a");

    await clock.advance(60_000);

    expect(await recover(broker, { queues })).toMatchObject({ recovered: 1 });
  });

  test("archives a task that crashed three workers, with that as its error, and starts the count again after a failure", async ({
    broker,
    seedPending,
    clock,
    redis,
  }) => {
    await seedPending("a");
    const crash = async (): Promise<Awaited<ReturnType<typeof recover>>> => {
      await forward(broker, { queues });
      expect((await dequeue(broker, queues, 1)).tasks).toHaveLength(1);
      await clock.advance(61_000);
      const report = await recover(broker, { queues });
      await clock.advance(60_000);
      return report;
    };

    expect(await crash()).toMatchObject({ recovered: 1, archived: 0 });
    expect(await crash()).toMatchObject({ recovered: 1, archived: 0 });
    expect(await redis.hget("asynq:{default}:t:a", "js:recovered")).toBe("2@0");
    // A failure that Go charged since: it rewrites the message and keeps the field it does not know.
    await redis.hset("asynq:{default}:t:a", "js:recovered", "2@7");
    expect(await crash()).toMatchObject({ recovered: 1, archived: 0 });
    expect(await crash()).toMatchObject({ recovered: 1, archived: 0 });
    expect(await crash()).toMatchObject({ recovered: 0, archived: 1 });

    expect(await redis.hmget("asynq:{default}:t:a", "state", "js:recovered")).toEqual(["archived", null]);
    expect(decodeTaskMessage((await redis.hgetBuffer("asynq:{default}:t:a", "msg"))!, "a")).toMatchObject({
      retried: 0,
      errorMsg: "crashed 3 workers",
    });
  });

  test("archives a task that may not be retried, as Asynq does, unless told to recover it", async ({ broker, aTask, clock }) => {
    await enqueue(broker, [aTask({ maxRetry: 0 }), aTask({ maxRetry: 0, queue: "other" })]);
    await dequeue(broker, ["default", "other"], 2);
    await clock.advance(61_000);

    expect(await recover(broker, { queues })).toMatchObject({ recovered: 0, archived: 1 });
    expect(await recover(broker, { queues: ["other"], recoverNoRetry: true })).toMatchObject({ recovered: 1, archived: 0 });
  });

  test("sets one unreadable message aside and recovers all others in the same tick", async ({ broker, aTask, clock, redis, keyspace }) => {
    await enqueue(
      broker,
      Array.from({ length: 120 }, (_, i) => aTask({ taskId: `t${i}` })),
    );
    for (let taken = 0; taken < 120; taken += 60) await dequeue(broker, queues, 60);
    await redis.hset("asynq:{default}:t:t7", "msg", Buffer.from([0xff, 0xff]));
    await redis.hdel("asynq:{default}:t:t8", "msg");
    await redis.del("asynq:{default}:t:t9");
    await clock.advance(61_000);

    expect(await recover(broker, { queues })).toMatchObject({ recovered: 117, quarantined: 1, dangling: 2, more: false });

    const space = await keyspace();
    expect(space["asynq:{default}:js:quarantine"]).toEqual({ t7: String(startSec + 61) });
    expect(space["asynq:{default}:t:t7"]).toMatchObject({ msg: "\u00ff\u00ff", state: "js:quarantine", "js:from": "active" });
    expect(space["asynq:{default}:active"]).toBeUndefined();
    expect(space["asynq:{default}:lease"]).toBeUndefined();
    expect(Object.keys(space["asynq:{default}:retry"] as object)).toHaveLength(117);
  });

  test("gives any number of stale sets back to their groups, and reports a queue whose groups it cannot serve", async ({
    broker,
    aTask,
    clock,
    redis,
  }) => {
    const groups = Array.from({ length: 25 }, (_, i) => `g${i}`);
    await enqueue(
      broker,
      groups.map((group) => aTask({ group })),
    );
    await aggregationCheck(broker, "default", groups, { gracePeriodSec: 60, maxDelaySec: 0, maxSize: 1 });
    await redis.set("asynq:{broken}:aggregation_sets", "in the way");
    await redis.zadd("asynq:{bad}:aggregation_sets", 1, "asynq:{bad}:g:g:id");
    await redis.zadd("asynq:{bad}:g:g:id", 1, "a");
    await redis.set("asynq:{bad}:g:g", "in the way");
    await clock.advance(120_000);

    const { errors, ...counts } = await recover(broker, { queues: ["broken", "bad", "default"] });

    expect(counts).toMatchObject({ reclaimed: 25, more: false });
    expect(errors.map(({ queue, error }) => [queue, (error as { reply?: string }).reply])).toEqual([
      ["broken", "WRONGTYPE"],
      ["bad", "WRONGTYPE"],
    ]);
    expect(await redis.scard("asynq:{default}:groups")).toBe(25);
  });

  test("takes large tasks back a few at a time, and all of them", async ({ broker, aTask, clock, port, redis }) => {
    const payload = new Uint8Array(400_000);
    await enqueue(
      broker,
      Array.from({ length: 10 }, (_, i) => aTask({ taskId: `t${i}`, payload })),
    );
    await dequeue(broker, queues, 10);
    await clock.advance(61_000);
    const already = port.sent.length;

    expect(await recover(broker, { queues })).toMatchObject({ recovered: 10, more: false });

    expect(await redis.zcard("asynq:{default}:retry")).toBe(10);
    const bytesOf = (word: string | Uint8Array): number => word.length;
    for (const command of port.sent.slice(already).flat())
      expect(command.map(bytesOf).reduce((sum, length) => sum + length)).toBeLessThan(1_500_000);
  });

  test("any number of copies at once take each task back once", async ({ broker, other, aTask, clock, redis }) => {
    await enqueue(
      broker,
      Array.from({ length: 100 }, (_, i) => aTask({ taskId: `t${i}` })),
    );
    await dequeue(broker, queues, 100);
    await clock.advance(61_000);

    const reports = await Promise.all([broker, other, broker, other].map((one) => recover(one, { queues })));

    expect(reports.reduce((sum, { recovered }) => sum + recovered, 0)).toBe(100);
    expect(await redis.zcard("asynq:{default}:retry")).toBe(100);
  });

  test("a worker that comes back after its task was recovered and taken by another writes nothing", async ({
    broker,
    other,
    seedPending,
    clock,
    keyspace,
  }) => {
    await seedPending("a");
    const [zombie] = (await dequeue(broker, queues, 1)).tasks;
    await clock.advance(61_000);
    await recover(other, { queues });
    await clock.advance(10_000);
    await forward(other, { queues });
    await dequeue(other, queues, 1);
    const before = await keyspace();

    const { results } = await settle(broker, [{ queue: "default", id: "a", fence: { token: zombie!.token }, to: "done" }]);

    expect(results).toEqual([{ verdict: "lease-lost" }]);
    expect(await keyspace()).toEqual(before);
  });

  test("takes the tasks of many queues back in a few requests, and looks at idle ones in two", async ({ broker, aTask, clock, port }) => {
    const queues = Array.from({ length: 30 }, (_, i) => `q${i}`);
    await recover(broker, { queues });
    let already = port.sent.length;
    await recover(broker, { queues });
    expect(port.sent.slice(already).map((commands) => commands.length)).toEqual([30, 30]);

    await enqueue(
      broker,
      queues.flatMap((queue) => Array.from({ length: 101 }, (_, i) => aTask({ queue, taskId: String(i) }))),
    );
    while ((await dequeue(broker, queues, 100)).tasks.length > 0) {}
    await clock.advance(61_000);
    already = port.sent.length;

    expect(await recover(broker, { queues })).toMatchObject({ recovered: 30 * 101, more: false, errors: [] });
    // Look, settle, look at the sets; look and settle once more.
    expect(port.sent.length - already).toBeLessThanOrEqual(6);
  });

  test("reports a queue it cannot serve and serves the others", async ({ broker, aTask, clock, redis }) => {
    await enqueue(broker, [aTask({ queue: "open" })]);
    await dequeue(broker, ["open"], 1);
    await redis.set("asynq:{broken}:lease", "in the way");
    await clock.advance(61_000);

    const report = await recover(broker, { queues: ["broken", "open"] });

    expect(report).toMatchObject({ recovered: 1, errors: [{ queue: "broken", error: { reply: "WRONGTYPE" } }] });
  });
});
