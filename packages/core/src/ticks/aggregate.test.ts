import { Redis } from "ioredis";
import { describe } from "vitest";
import { expect, join, test } from "../../../../test/support/aggregation-test.ts";
import { startRedis } from "../../../../test/support/redis-server.ts";
import { enqueue } from "../broker/enqueue.ts";
import { makeBroker } from "../broker.ts";
import { systemClock, systemRandom } from "../clock.ts";
import type { GroupedTask } from "../grouped-task.ts";
import { ioredisPort } from "../redis/ioredis.ts";
import { Task } from "../task.ts";
import { decodeTaskMessage } from "../wire/decode-task-message.ts";
import { aggregate } from "./aggregate.ts";
import type { GroupAggregator } from "./aggregate-set.ts";

const queues = ["default"];
const nothing = { sets: 0, aggregated: 0, quarantined: 0, dangling: 0, lost: 0, more: false, errors: [] };

describe("aggregate", () => {
  test("puts one task in the place of a group's, with its options, in the group's queue", async ({ broker, aTask, clock, redis }) => {
    const headers = { trace: "1" };
    await enqueue(broker, [aTask({ taskId: "a", group: "g", payload: "1", headers }), aTask({ taskId: "b", group: "g" })]);
    await clock.advance(60_000);
    let given: readonly GroupedTask[] = [];

    const report = await aggregate(broker, {
      queues,
      aggregator: async (group, tasks, { queue, signal }) => {
        given = tasks;
        expect([group, queue, signal.aborted]).toEqual(["g", "default", false]);
        return new Task("digest", "sum", { taskId: "sum", queue: "elsewhere", maxRetry: 3, headers: { by: "us" } });
      },
    });

    expect(report).toEqual({ ...nothing, sets: 1, aggregated: 2 });
    expect(given.map(({ type, payload, headers }) => ({ type, payload, headers }))).toEqual([
      { type: "email:send", payload: new TextEncoder().encode("1"), headers: { trace: "1" } },
      { type: "email:send", payload: new Uint8Array(), headers: {} },
    ]);
    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["sum"]);
    expect(decodeTaskMessage((await redis.hgetBuffer("asynq:{default}:t:sum", "msg"))!, "")).toMatchObject({
      type: "digest",
      queue: "default",
      retry: 3,
      headers: { by: "us" },
    });
    expect((await redis.keys("asynq:{default}:*")).filter((key) => !key.includes(":js:call:")).sort()).toEqual([
      "asynq:{default}:pending",
      "asynq:{default}:t:sum",
    ]);
  });

  test("serves every group of every queue, groups with any number of tasks in sets of the greatest size", async ({
    broker,
    aTask,
    pending,
  }) => {
    const tasks = Array.from({ length: 7 }, (_, i) => aTask({ group: "big", payload: String(i), taskId: `t${i}`, queue: "other" }));
    const groups = Array.from({ length: 250 }, (_, i) => aTask({ group: `g${i}`, payload: "x" }));
    await enqueue(broker, [...tasks, ...groups, ...groups.map(({ message }) => aTask({ group: message.groupKey, payload: "y" }))]);

    const report = await aggregate(broker, { queues: ["default", "other"], aggregator: join, maxSize: 2 });

    expect(report).toEqual({ ...nothing, sets: 253, aggregated: 506 });
    // Sets that are aggregated at once end in any order.
    const made = (await pending("other")) as { readonly of: readonly string[] }[];
    expect(made.sort((a, b) => Number(a.of[0]) - Number(b.of[0]))).toEqual([
      { group: "big", of: ["0", "1"] },
      { group: "big", of: ["2", "3"] },
      { group: "big", of: ["4", "5"] },
    ]);
    expect(new Set((await pending()).map((made) => (made as { group: string }).group)).size).toBe(250);
  });

  test("aggregates a few sets at once, no more, and asks Redis nothing while it waits for them", async ({
    broker,
    seedGroup,
    port,
    until,
  }) => {
    for (const group of ["a", "b", "c", "d", "e"]) await seedGroup(group, "1");
    let [now, most] = [0, 0];
    let open = (): void => {};
    const opened = new Promise<void>((resolve) => (open = resolve));

    const tick = aggregate(broker, {
      queues,
      concurrency: 2,
      aggregator: async (group, tasks, context) => {
        most = Math.max(most, ++now);
        await opened;
        now--;
        return join(group, tasks, context);
      },
    });
    await until(() => now === 2);
    const already = port.sent.length;
    for (let turns = 0; turns < 100; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(port.sent.length).toBe(already);
    open();

    expect([(await tick).sets, most]).toEqual([5, 2]);
  });

  test("stops when its budget is spent and says that work is left, but ends what it began", async ({ broker, seedGroup, clock }) => {
    for (const group of ["a", "b", "c"]) await seedGroup(group, "1");

    expect(await aggregate(broker, { queues, aggregator: join, budgetMs: 0 })).toEqual({ ...nothing, more: true });
    const slow: GroupAggregator = async (group, tasks, context) => {
      await clock.advance(5_000);
      return join(group, tasks, context);
    };
    expect(await aggregate(broker, { queues, aggregator: slow, concurrency: 1, budgetMs: 1_000 })).toMatchObject({ sets: 1, more: true });
    expect(await aggregate(broker, { queues, aggregator: join })).toMatchObject({ sets: 2, more: false });
  });

  test("reports a queue and a group it cannot serve, while it serves the others", async ({ broker, seedGroup, aTask, pending, redis }) => {
    await redis.set("asynq:{broken}:groups", "in the way");
    await enqueue(broker, [aTask({ queue: "other", group: "bad" })]);
    await redis.del("asynq:{other}:g:bad");
    await redis.set("asynq:{other}:g:bad", "in the way");
    await seedGroup("g", "1");

    const { errors } = await aggregate(broker, { queues: ["broken", "other", "default"], aggregator: join });

    expect(errors.map(({ queue, group, error }) => [queue, group, (error as { reply?: string }).reply])).toEqual([
      ["broken", undefined, "WRONGTYPE"],
      ["other", "bad", "WRONGTYPE"],
    ]);
    expect(await pending()).toHaveLength(1);
  });

  test("looks in one request for groups of many queues, and no further at those that have none", async ({ broker, seedGroup, port }) => {
    await seedGroup("g", "1");
    await aggregate(broker, { queues: ["warm"], aggregator: join });
    const already = port.sent.length;

    await aggregate(broker, {
      queues: [...Array.from({ length: 30 }, (_, i) => `q${i}`), "default"],
      aggregator: join,
      gracePeriodSec: 900,
    });

    expect(port.sent.slice(already).map((commands) => commands.length)).toEqual([31, 1]);
  });

  test("any number of copies at once aggregate each task once", async ({ broker, other, seedGroup, pending }) => {
    for (const group of ["a", "b", "c", "d"]) await seedGroup(group, "1", "2");

    const reports = await Promise.all([broker, other, broker, other].map((one) => aggregate(one, { queues, aggregator: join })));

    expect(reports.reduce((sum, { aggregated }) => sum + aggregated, 0)).toBe(8);
    expect((await pending()).map((made) => (made as { group: string }).group).sort()).toEqual(["a", "b", "c", "d"]);
  });

  test.for([{ gracePeriodSec: 0.5 }, { maxDelaySec: -1 }, { maxSize: 1.5 }])(
    "refuses %o before any I/O",
    async (policy, { broker, port }) => {
      await expect(aggregate(broker, { queues, aggregator: join, ...policy })).rejects.toMatchObject({
        code: "INVALID_OPTION",
        option: Object.keys(policy)[0],
      });
      expect(port.sent).toEqual([]);
    },
  );

  test("waits no longer for a Redis that does not answer when it is to give up", async () => {
    const server = await startRedis();
    const redis = ioredisPort(new Redis(server.port), { managed: true, timeoutMs: 600_000, tryTimeoutMs: 600_000 });
    const broker = makeBroker({ redis, clock: systemClock, random: systemRandom });
    await redis.features();
    await server.kill("SIGSTOP");
    const giveUp = new AbortController();

    const aggregated = aggregate(broker, {
      queues,
      aggregator: () => new Task("digest"),
      signal: giveUp.signal,
      giveUpSignal: giveUp.signal,
    });
    giveUp.abort();

    expect((await aggregated).errors).toMatchObject([{ queue: "default", error: { code: "REDIS" } }]);
    await redis.close();
    await server.stop();
  });
});
