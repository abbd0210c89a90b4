import { manualClock } from "@asynqjs/core/testing";
import type { Redis } from "ioredis";
import { describe, expect, test } from "../../test/cli-test.ts";

const clock = manualClock(Date.UTC(2040, 0, 2, 3, 4, 5));

/** A queue with two tasks, which ran four today and two the day before. */
const seed = async (redis: Redis): Promise<void> => {
  await redis.sadd("asynq:queues", "mail");
  await redis.lpush("asynq:{mail}:pending", "a");
  await redis.zadd("asynq:{mail}:archived", 1, "b");
  await redis.mset("asynq:{mail}:processed:2040-01-02", 4, "asynq:{mail}:failed:2040-01-02", 1, "asynq:{mail}:processed:2040-01-01", 2);
};

const separator = "=".repeat(49);
const gone = `asynqjs: queue not found: queue="gone"; see 'asynqjs queue list'\n`;

test("queue list prints the names, one a line", async ({ cli, redis }) => {
  expect(await cli("queue", "list")).toEqual({ code: 0, out: "", err: "" });
  await redis.sadd("asynq:queues", "mail", "default");
  expect((await cli("queue", "ls")).out).toBe("default\nmail\n");
  expect((await cli("queue", "ls", "--json")).out).toBe('["default","mail"]\n');
});

describe("queue inspect", () => {
  test("shows how queues stand, one after another", async ({ cliWith, redis }) => {
    await seed(redis);
    await redis.set("asynq:{mail}:paused", 1);
    const mail = [
      "Queue Info",
      "Name:   mail",
      "Size:   2",
      "Groups: 0",
      "Paused: true",
      "",
      "Task Count by State",
      "active  pending  aggregating  scheduled  retry  archived  completed  ",
      "------  -------  -----------  ---------  -----  --------  ---------  ",
      "0       1        0            0          0      1         0          ",
      "",
      "Daily Stats 2040-01-02 UTC",
      "processed  failed  error rate  ",
      "---------  ------  ----------  ",
      "4          1       25.00%      ",
      "",
    ].join("\n");

    expect(await cliWith({ clock }, "queue", "inspect", "mail")).toEqual({ code: 0, out: mail, err: "" });
    expect(await cliWith({ clock }, "queue", "inspect", "gone", "mail")).toEqual({ code: 3, out: `\n${separator}\n\n${mail}`, err: gone });
    expect(JSON.parse((await cliWith({ clock }, "queue", "inspect", "mail", "--json")).out)).toMatchObject({
      queue: "mail",
      size: 2,
      paused: true,
    });
  });

  test("says how many tasks are quarantined, where some are", async ({ cli, redis }) => {
    await redis.sadd("asynq:queues", "mail");
    await redis.zadd("asynq:{mail}:js:quarantine", 1, "bad");
    expect((await cli("queue", "inspect", "mail")).out).toContain("Paused: false\nQuarantined: 1\n");
  });
});

test("queue history shows what queues did, today first", async ({ cliWith, redis }) => {
  await seed(redis);
  const mail = [
    "Queue: mail",
    "",
    "date (UTC)  processed  failed  error rate  ",
    "----------  ---------  ------  ----------  ",
    "2040-01-02  4          1       25.00%      ",
    "2040-01-01  2          0       0.00%       ",
    "",
  ].join("\n");

  expect(await cliWith({ clock }, "queue", "history", "mail", "-x", "2")).toEqual({ code: 0, out: mail, err: "" });
  expect(await cliWith({ clock }, "queue", "history", "mail", "gone", "--days=2")).toEqual({
    code: 3,
    out: `${mail}\n${separator}\n\nQueue: gone\n\n`,
    err: gone,
  });
  expect(JSON.parse((await cliWith({ clock }, "queue", "history", "mail", "-x=1", "--json")).out)).toEqual({
    queue: "mail",
    days: [{ day: "2040-01-02", processed: 4, failed: 1 }],
  });
  expect(await cliWith({ clock }, "queue", "history", "mail")).toMatchObject({ out: expect.stringMatching(/(2039-12-2\d.*\n)+$/) });
  for (const days of ["0", "1001"])
    expect(await cliWith({ clock }, "queue", "history", "mail", "-x", days)).toMatchObject({
      code: 2,
      out: "",
      err: expect.stringContaining("Expected a whole number from 1 to 1000"),
    });
});

test("queue pause and resume hold queues up and let them go on; of one that there is not nothing changes", async ({ cli, redis }) => {
  await redis.sadd("asynq:queues", "mail");

  expect(await cli("queue", "pause", "gone", "mail")).toEqual({ code: 3, out: 'Successfully paused queue "mail"\n', err: gone });
  expect(await redis.keys("asynq:{*}:paused")).toEqual(["asynq:{mail}:paused"]);
  expect((await cli("queue", "pause", "mail", "--json")).out).toBe('{"queue":"mail","paused":true}\n');
  expect(await cli("queue", "unpause", "mail")).toEqual({ code: 0, out: 'Successfully unpaused queue "mail"\n', err: "" });
  expect(await redis.keys("asynq:{*}:paused")).toEqual([]);
  expect(await cli("queue", "resume", "gone")).toEqual({ code: 3, out: "", err: gone });
});

test("queue resume lets a queue go that was paused before it was there", async ({ cli, redis }) => {
  await redis.set("asynq:{early}:paused", 1);
  expect(await cli("queue", "resume", "early")).toEqual({ code: 0, out: 'Successfully unpaused queue "early"\n', err: "" });
  expect(await redis.exists("asynq:{early}:paused")).toBe(0);
});
