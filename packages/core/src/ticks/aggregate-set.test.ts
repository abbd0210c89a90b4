import { describe } from "vitest";
import { expect, join, test } from "../../../../test/support/aggregation-test.ts";
import { enqueue } from "../broker/enqueue.ts";
import { Task } from "../task.ts";
import { mortalRedis } from "../testing/faulty-redis.ts";
import { decodeTaskMessage } from "../wire/decode-task-message.ts";
import { encodeTaskMessage } from "../wire/encode-task-message.ts";
import { aggregate } from "./aggregate.ts";
import type { GroupAggregator } from "./aggregate-set.ts";
import { janitor } from "./janitor.ts";
import { recover } from "./recover.ts";

const queues = ["default"];
const nothing = { sets: 0, aggregated: 0, quarantined: 0, dangling: 0, lost: 0, more: false, errors: [] };

describe("aggregateSet", () => {
  test("hands over large tasks too, read in several goes", async ({ broker, aTask, clock }) => {
    const payload = (i: number): string => String(i).padEnd(400_000, ".");
    await enqueue(
      broker,
      Array.from({ length: 7 }, (_, i) => aTask({ taskId: `t${i}`, group: "g", payload: payload(i) })),
    );
    await clock.advance(60_000);
    const given: string[] = [];

    const report = await aggregate(broker, {
      queues,
      aggregator: (_, tasks) => {
        given.push(...tasks.map((task) => task.text()));
        return new Task("digest");
      },
    });

    expect(report).toMatchObject({ sets: 1, aggregated: 7 });
    expect(given).toEqual(Array.from({ length: 7 }, (_, i) => payload(i)));
  });

  test("sets one unreadable message aside, drops what is not there, and aggregates all others", async ({
    broker,
    seedGroup,
    pending,
    redis,
  }) => {
    await seedGroup("g", "1", "2", "3", "4");
    await redis.hset("asynq:{default}:t:g-2", "msg", Buffer.from([0xff, 0xff]));
    await redis.del("asynq:{default}:t:g-3");

    expect(await aggregate(broker, { queues, aggregator: join })).toEqual({
      ...nothing,
      sets: 1,
      aggregated: 2,
      quarantined: 1,
      dangling: 1,
    });

    expect(await pending()).toEqual([{ group: "g", of: ["1", "4"] }]);
    expect(await redis.hmget("asynq:{default}:t:g-2", "state", "js:from")).toEqual(["js:quarantine", "aggregating"]);
  });

  test("enqueues to a queue that Go named as we would not, with the lock of that queue", async ({ broker, aTask, redis }) => {
    const queue = "q".repeat(200);
    const { message } = aTask({ taskId: "a" });
    await redis.hset(`asynq:{${queue}}:t:a`, "msg", Buffer.from(encodeTaskMessage(message).bytes), "state", "aggregating", "group", "g");
    await redis.zadd(`asynq:{${queue}}:g:g`, 1, "a");
    await redis.sadd(`asynq:{${queue}}:groups`, "g");

    const report = await aggregate(broker, { queues: [queue], aggregator: () => new Task("sum", "", { taskId: "s", uniqueTtlSec: 60 }) });

    expect(report).toMatchObject({ sets: 1, errors: [] });
    expect(decodeTaskMessage((await redis.hgetBuffer(`asynq:{${queue}}:t:s`, "msg"))!, "").queue).toBe(queue);
    expect(await redis.keys(`asynq:{${queue}}:unique:*`)).toEqual([`asynq:{${queue}}:unique:sum:d41d8cd98f00b204e9800998ecf8427e`]);
  });

  test("calls no aggregator for a set of which nothing can be read", async ({ broker, seedGroup, redis }) => {
    await seedGroup("g", "1");
    await redis.del("asynq:{default}:t:g-1");

    expect(await aggregate(broker, { queues, aggregator: join })).toEqual({ ...nothing, dangling: 1 });

    expect(await redis.exists("asynq:{default}:aggregation_sets", "asynq:{default}:pending")).toBe(0);
  });

  test.for<[string, GroupAggregator, string]>([
    [
      "throws",
      () => {
        throw new Error("no");
      },
      "no",
    ],
    ["throws what is no error", () => Promise.reject("text"), "the aggregator threw what is no error"],
    ["answers nothing", () => undefined as unknown as Task, "invalid aggregator: expected it to answer a task"],
    ["answers a task that cannot be", () => new Task("t", "", { maxRetry: 1.5 }), "invalid maxRetry"],
    ["answers a task whose id is taken", () => new Task("t", "", { taskId: "taken" }), "task ID conflicts"],
  ])(
    "where the aggregator %s, the tasks are back in their group after the deadline",
    async ([, aggregator, message], { broker, aTask, seedGroup, clock, pending, keyspace }) => {
      await enqueue(broker, [aTask({ taskId: "taken", queue: "default", processInSec: 9_999 })]);
      await seedGroup("g", "1", "2");
      const before = await keyspace();

      const { errors, ...counts } = await aggregate(broker, { queues, aggregator });
      expect(counts).toMatchObject({ sets: 0, aggregated: 0 });
      expect(errors).toEqual([
        { queue: "default", group: "g", error: expect.objectContaining({ message: expect.stringContaining(message) }) },
      ]);
      expect(await aggregate(broker, { queues, aggregator: join })).toEqual(nothing);

      await clock.advance(120_000);
      expect(await recover(broker, { queues })).toMatchObject({ reclaimed: 2 });
      expect(await keyspace()).toEqual(before);
      expect(await aggregate(broker, { queues, aggregator: join })).toMatchObject({ sets: 1 });
      expect(await pending()).toEqual([{ group: "g", of: ["1", "2"] }]);
    },
  );

  test("killed after any of its calls it leaves each task to be aggregated exactly once", async ({
    broker,
    other,
    aTask,
    clock,
    pending,
    redis,
  }) => {
    const payloads = Array.from({ length: 1_200 }, (_, i) => String(i));
    const kinds = new Set<string>();
    for (let lives = 0, killed = true; killed; lives++) {
      await redis.flushdb();
      for (let from = 0; from < payloads.length; from += 400) {
        const some = payloads.slice(from, from + 400);
        await enqueue(
          other,
          some.map((payload) => aTask({ group: "g", payload })),
        );
      }
      await clock.advance(60_000);
      const dying = { ...broker, redis: mortalRedis(broker.redis, lives) };

      const { errors, aggregated: before } = await aggregate(dying, { queues, aggregator: join });

      killed = errors.length > 0;
      await clock.advance(120_000);
      const { reclaimed } = await recover(other, { queues });
      const { aggregatedDeleted } = await janitor(other, { queues });
      const { aggregated } = await aggregate(other, { queues, aggregator: join });
      kinds.add(`aggregated ${before}, then reclaimed ${reclaimed}, deleted ${aggregatedDeleted}, aggregated ${aggregated}`);
      const made = (await pending()) as { of: string[] }[];
      expect(made.flatMap(({ of }) => of).sort()).toEqual([...payloads].sort());
      expect(await redis.keys("asynq:{default}:t:*")).toHaveLength(made.length);
      expect(await redis.exists("asynq:{default}:aggregation_sets", "asynq:{default}:js:aggregated", "asynq:{default}:groups")).toBe(0);
    }
    expect([...kinds]).toEqual([
      "aggregated 0, then reclaimed 0, deleted 0, aggregated 1200",
      "aggregated 0, then reclaimed 1200, deleted 0, aggregated 1200",
      "aggregated 0, then reclaimed 0, deleted 200, aggregated 0",
      "aggregated 1200, then reclaimed 0, deleted 0, aggregated 0",
    ]);
  });
});
