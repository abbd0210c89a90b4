import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { aggregationCheck } from "../broker/aggregation-check.ts";
import { enqueue } from "../broker/enqueue.ts";
import { replaceAggregationSet } from "../broker/replace-aggregation-set.ts";
import { janitor } from "./janitor.ts";

const queues = ["default"];
const nothing = { expired: 0, completedTrimmed: 0, trimmed: 0, aggregatedDeleted: 0, dangling: 0, more: false, errors: [] };

/** So many tasks that are over. */
const seed = `
  for i = 1, tonumber(ARGV[3]) do
    redis.call("ZADD", KEYS[1], ARGV[1] + i, "t" .. i)
    redis.call("HSET", KEYS[2] .. "t" .. i, "msg", "m", "state", ARGV[2])
  end
`;

describe("janitor", () => {
  test("deletes any number of expired tasks in batches, and those whose retention has not ended stay", async ({ broker, redis, clock }) => {
    await redis.eval(seed, 2, "asynq:{default}:completed", "asynq:{default}:t:", startSec, "completed", 450);

    expect(await janitor(broker, { queues })).toEqual({ ...nothing, nextSec: startSec + 1 });
    await clock.advance(449_000);
    expect(await janitor(broker, { queues })).toEqual({ ...nothing, expired: 449, nextSec: startSec + 450 });

    expect(await redis.zrange("asynq:{default}:completed", "0", "-1")).toEqual(["t450"]);
    expect(await redis.keys("asynq:{default}:t:*")).toEqual(["asynq:{default}:t:t450"]);
  });

  test("trims the archive to Asynq's 9,999 when nothing is archived any more, and to the broker's limits", async ({ broker, redis }) => {
    await redis.eval(seed, 2, "asynq:{default}:archived", "asynq:{default}:t:", startSec - 20_000, "archived", 10_250);

    const oldestSec = startSec - 20_000 + 252;
    expect(await janitor(broker, { queues })).toEqual({ ...nothing, trimmed: 251, nextSec: oldestSec + 3600 * 24 * 90 });
    const limited = { ...broker, limits: { archiveMaxAgeSec: 3600 * 24, archiveMaxSize: 9_901 } };
    expect(await janitor(limited, { queues, batchSize: 7 })).toEqual({ ...nothing, trimmed: 99, nextSec: oldestSec + 99 + 3600 * 24 });

    expect(await redis.zcard("asynq:{default}:archived")).toBe(9_900);
    expect(await redis.keys("asynq:{default}:t:*")).toHaveLength(9_900);
  });

  test("deletes the rest of a set whose aggregator was killed before it had", async ({ broker, other, aTask, redis }) => {
    await redis.eval(seed, 2, "asynq:{default}:g:g", "asynq:{default}:t:", startSec - 20_000, "aggregating", 2_300);
    const [checked] = await aggregationCheck(broker, "default", ["g"], { gracePeriodSec: 60, maxDelaySec: 0, maxSize: 0 });
    await replaceAggregationSet(broker, checked!.set!, aTask({ taskId: "sum" }));

    expect(await janitor(other, { queues })).toEqual({ ...nothing, aggregatedDeleted: 1_300 });

    expect(await redis.keys("asynq:{default}:[tg]:*")).toEqual(["asynq:{default}:t:sum"]);
  });

  test("stops when its budget is spent and says that work is left", async ({ broker, redis }) => {
    await redis.eval(seed, 2, "asynq:{default}:completed", "asynq:{default}:t:", 1, "completed", 1);

    expect(await janitor(broker, { queues, budgetMs: 0 })).toEqual({ ...nothing, more: true });
    expect(await janitor(broker, { queues, signal: AbortSignal.abort() })).toEqual({ ...nothing, more: true });
    expect(await janitor(broker, { queues })).toEqual({ ...nothing, expired: 1 });
  });

  test("reports a queue it cannot serve, while it serves the others", async ({ broker, redis }) => {
    await redis.eval(seed, 2, "asynq:{open}:completed", "asynq:{open}:t:", 1, "completed", 1);
    await redis.set("asynq:{broken}:completed", "in the way");

    const { errors, ...counts } = await janitor(broker, { queues: ["broken", "open"] });

    expect(counts).toMatchObject({ expired: 1, more: false });
    expect(errors.map(({ queue, error }) => [queue, (error as { reply?: string }).reply])).toEqual([["broken", "WRONGTYPE"]]);
  });

  test("any number of copies at once count each task once", async ({ broker, other, redis }) => {
    await redis.eval(seed, 2, "asynq:{default}:completed", "asynq:{default}:t:", 1, "completed", 350);

    const reports = await Promise.all([broker, other, broker, other].map((one) => janitor(one, { queues })));

    expect(reports.reduce((sum, { expired }) => sum + expired, 0)).toBe(350);
  });

  test.for([0, 1.5, 1_001])("refuses a batch of %d before any I/O", async (batchSize, { broker, port }) => {
    await expect(janitor(broker, { queues, batchSize })).rejects.toMatchObject({ code: "INVALID_OPTION", option: "batchSize" });
    expect(port.sent).toEqual([]);
  });

  test("works through many queues in one request per round", async ({ broker, aTask, port }) => {
    await enqueue(broker, [aTask()]);
    await janitor(broker, { queues: ["warm"] });
    const already = port.sent.length;

    await janitor(broker, { queues: Array.from({ length: 30 }, (_, i) => `q${i}`) });

    expect(port.sent.slice(already).map((commands) => commands.length)).toEqual([30, 30]);
  });
});
