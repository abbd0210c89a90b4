/** Waits for Redis itself: a queue of a million tasks and ten thousand queues, and how long any script holds it. */
import type { Redis } from "ioredis";
import { expect, test } from "../../../../test/support/broker-test.ts";
import { useOwnRedis } from "../../../../test/support/redis-test.ts";
import { enqueue } from "../broker/enqueue.ts";
import { archiveAllTasks } from "./archive-tasks.ts";
import { deleteTasks } from "./delete-tasks.ts";
import { listTasks } from "./list-tasks.ts";
import { readQueueInfos } from "./read-queue-infos.ts";
import { removeQueue } from "./remove-queue.ts";
import { searchTasks } from "./search-tasks.ts";

useOwnRedis();

const million = 1_000_000;
/** A few are held up by what the machine does beside it. */
const mostPerCall = { ms: 10, meanMs: 5, rareShare: 0.02 };

/** A million pending tasks with the message of the one that is there. */
async function seedMillion(redis: Redis): Promise<void> {
  const msg = await redis.hgetBuffer("asynq:{default}:t:seed", "msg");
  for (let at = 0; at < million; at += 10_000) {
    await redis.eval(
      `for i = ARGV[2] + 1, ARGV[2] + 10000 do
        local id = string.format("%08x-aaaa-4bbb-8ccc-%012x", i, i)
        redis.call("LPUSH", "asynq:{default}:pending", id)
        redis.call("HSET", "asynq:{default}:t:" .. id, "msg", ARGV[1], "state", "pending", "pending_since", "1")
      end`,
      0,
      msg!,
      at,
    );
  }
}

const idOf = (i: number): string => {
  const hex = i.toString(16);
  return `${hex.padStart(8, "0")}-aaaa-4bbb-8ccc-${hex.padStart(12, "0")}`;
};

/** Does it, and answers of the scripts it ran how many held Redis for longer than they should, how many there were, and how long one took on average. */
async function scriptsOf(redis: Redis, act: () => Promise<unknown>) {
  await redis.config("RESETSTAT");
  await redis.config("SET", "slowlog-log-slower-than", String(mostPerCall.ms * 1000), "slowlog-max-len", "10000");
  await redis.call("SLOWLOG", "RESET");
  await act();
  const slow = (await redis.call("SLOWLOG", "GET", "10000")) as readonly (readonly [number, number, number, readonly string[]])[];
  const [, all, usec] = /cmdstat_evalsha:calls=(\d+),usec=(\d+)/.exec(await redis.info("commandstats")) ?? [];
  const long = slow.filter(([, , , words]) => words[0]!.toUpperCase() === "EVALSHA").length;
  return { long, all: Number(all), meanMs: Number(usec) / Number(all) / 1000 };
}

test("of a queue of a million tasks nothing holds Redis for more than ten milliseconds", { timeout: 300_000 }, async ({
  broker,
  redis,
  aTask,
}) => {
  await enqueue(broker, [aTask({ taskId: "seed" })]);
  await seedMillion(redis);
  const spread = Array.from({ length: 100 }, (_, i) => idOf(1_000 + i * 9_900));
  const stop = new AbortController();
  const acts: Readonly<Record<string, () => Promise<unknown>>> = {
    info: () => readQueueInfos(broker, ["default"]),
    list: () => listTasks(broker, "default", { state: "pending" }, { page: 5_000, pageSize: 100 }),
    search: () => searchTasks(broker, "default", { error: "never" }),
    "delete in the middle": async () => expect(await deleteTasks(broker, "default", [idOf(million / 2)])).toEqual(["done"]),
    "delete a hundred": async () => expect(await deleteTasks(broker, "default", spread)).toEqual(spread.map(() => "done")),
    "archive all": () =>
      archiveAllTasks(
        broker,
        "default",
        { state: "pending" },
        { signal: stop.signal, onProgress: ({ done }) => done >= 100_000 && stop.abort() },
      ),
    "remove the queue": () => removeQueue(broker, "default", { force: true }),
  };

  for (const [name, act] of Object.entries(acts)) {
    const { long, all, meanMs } = await scriptsOf(redis, act);
    expect(meanMs, name).toBeLessThan(mostPerCall.meanMs);
    expect(long, name).toBeLessThanOrEqual(Math.ceil(all * mostPerCall.rareShare));
  }
  expect(await redis.keys("asynq:{default}:[^j]*")).toEqual([]);
});

test("how ten thousand queues stand is known within two seconds", { timeout: 120_000 }, async ({ broker }) => {
  const queues = Array.from({ length: 10_000 }, (_, i) => `q${i}`);
  // Once beforehand: Redis learns the scripts.
  await readQueueInfos(broker, queues.slice(0, 1));

  const startedMs = performance.now();
  const infos = await readQueueInfos(broker, queues);

  expect(infos.filter(({ error }) => error !== undefined)).toEqual([]);
  expect(performance.now() - startedMs).toBeLessThan(2_000);
});
