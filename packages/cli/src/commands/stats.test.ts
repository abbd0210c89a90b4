import { manualClock } from "@asynqjs/core/testing";
import { describe, expect, test } from "../../test/cli-test.ts";

const clock = manualClock(Date.UTC(2040, 0, 2, 3, 4, 5));

describe("stats", () => {
  test("counts tasks by state and by queue, what was run today, and says what Redis is", async ({ cliWith, redis }) => {
    await redis.sadd("asynq:queues", "mail", "default");
    await redis.lpush("asynq:{mail}:pending", "a", "b");
    await redis.lpush("asynq:{default}:active", "c");
    await redis.zadd("asynq:{default}:retry", 1, "d");
    await redis.set("asynq:{default}:paused", 1);
    await redis.set("asynq:{default}:processed:2040-01-02", 8);
    await redis.set("asynq:{default}:failed:2040-01-02", 1);

    const { code, out, err } = await cliWith({ clock }, "stats");

    expect({ code, err }).toEqual({ code: 0, err: "" });
    const [head, info] = out.split("Redis Info\n");
    expect(head).toBe(
      [
        "Task Count by State",
        "active     pending    aggregating  scheduled  retry      archived   completed  ",
        "---------  ---------  ---------    ---------  ---------  ---------  ---------  ",
        "1          2          0            0          1          0          0          ",
        "",
        "Task Count by Queue",
        "default (paused)  mail              ",
        "----------------  ----------------  ",
        "2                 2                 ",
        "",
        "Daily Stats 2040-01-02 UTC",
        "processed  failed  error rate  ",
        "---------  ------  ----------  ",
        "8          1       12.50%      ",
        "",
        "",
      ].join("\n"),
    );
    expect(info).toMatch(
      /^version +uptime {2}connections {2}memory usage {2}peak memory usage {2}\n[- ]+\n\d+\.\d+\.\d+ +\d+ days +\d+ +[\d.]+[KM]B +[\d.]+[KM]B +\n\n$/,
    );
  });

  test("--json prints it under the names that Go's CLI prints", async ({ cliWith, redis }) => {
    const none = JSON.parse((await cliWith({ clock }, "stats", "--json")).out);
    expect(none).toMatchObject({ queues: null, aggregate: { active: 0, timestamp: "0001-01-01T00:00:00Z" } });
    await redis.sadd("asynq:queues", "mail");
    await redis.lpush("asynq:{mail}:pending", "a");
    await redis.hset("asynq:{mail}:t:a", { msg: "", state: "pending", pending_since: `${clock.nowMs() - 1500}000000` });

    const { aggregate, queues, redis: info } = JSON.parse((await cliWith({ clock }, "stats", "--json")).out);

    expect(aggregate).toEqual({
      ...{ active: 0, pending: 1, aggregating: 0, scheduled: 0, retry: 0, archived: 0, completed: 0, processed: 0, failed: 0 },
      timestamp: "2040-01-02T03:04:05.000Z",
    });
    expect(queues).toEqual([
      {
        ...{ Queue: "mail", MemoryUsage: expect.any(Number), Paused: false, Size: 1, Groups: 0, Pending: 1, Active: 0, Scheduled: 0 },
        ...{ Retry: 0, Archived: 0, Completed: 0, Aggregating: 0, Processed: 0, Failed: 0, ProcessedTotal: 0, FailedTotal: 0 },
        ...{ Latency: 1_500_000_000, Timestamp: "2040-01-02T03:04:05.000Z" },
      },
    ]);
    expect(info).toMatchObject({ redis_version: expect.any(String), used_memory_human: expect.any(String) });
  });

  test("emphasizes its titles on a terminal, unless NO_COLOR is set or it is a dumb one", async ({ cliWith }) => {
    expect((await cliWith({ isTTY: true }, "stats")).out).toContain("\x1b[1mRedis Info\x1b[22m\n");
    for (const env of [{ NO_COLOR: "1" }, { TERM: "dumb" }] as const)
      expect((await cliWith({ isTTY: true, env }, "stats")).out).not.toContain("\x1b");
  });
});
