import type { Redis } from "ioredis";
import { expect, test } from "../../test/cli-test.ts";

const pending = async (redis: Redis, queue: string): Promise<void> => {
  await redis.sadd("asynq:queues", queue);
  await redis.lpush(`asynq:{${queue}}:pending`, "one");
  await redis.hset(`asynq:{${queue}}:t:one`, { msg: "", state: "pending" });
};

/** All keys but the records of calls, which expire. */
const keys = async (redis: Redis): Promise<string[]> => (await redis.keys("*")).filter((key) => !key.includes(":js:call:"));

test("queue remove refuses where nobody can be asked, and changes nothing", async ({ cli, redis }) => {
  await redis.sadd("asynq:queues", "old");

  expect(await cli("queue", "remove", "old")).toEqual({
    code: 7,
    out: "",
    err: 'asynqjs: Remove queue "old"? Nobody is here to answer; say --yes to go on. Nothing was changed\n',
  });
  expect(await redis.smembers("asynq:queues")).toEqual(["old"]);
});

test.for(["n", "", "nope"])("queue remove takes %j for a no", async (answer, { cliWith, redis }) => {
  await redis.sadd("asynq:queues", "old");

  expect(await cliWith({ answer }, "queue", "rm", "old")).toMatchObject({ code: 7, out: "" });
  expect(await redis.exists("asynq:queues")).toBe(1);
});

test("queue remove goes on after a yes", async ({ cliWith, redis }) => {
  await redis.sadd("asynq:queues", "old");

  expect(await cliWith({ answer: "Y" }, "queue", "rm", "old")).toEqual({
    code: 0,
    out: 'Successfully removed queue "old"\n',
    err: 'Remove queue "old"? [y/N] ',
  });
  expect(await keys(redis)).toEqual([]);
});

test("queue remove says of each queue why it stays, removes the others, and ends with the first one's code", async ({ cli, redis }) => {
  await redis.sadd("asynq:queues", "old");
  await pending(redis, "full");

  const { code, out, err } = await cli("queue", "delete", "full", "gone", "old", "--yes");

  expect({ code, out }).toEqual({ code: 3, out: 'Successfully removed queue "old"\n' });
  expect(err).toMatch(/^asynqjs: queue not found: queue="gone".*\nasynqjs: queue is not empty: queue="full".*\n$/);
  expect(await redis.smembers("asynq:queues")).toEqual(["full"]);
});

test("queue remove asks nothing about queues that there are not", async ({ cli, cliWith, redis }) => {
  const said = "asynqjs: queue not found: queue=\"gone\"; see 'asynqjs queue list'\n";
  expect(await cli("queue", "rm", "gone")).toEqual({ code: 3, out: "", err: said });
  await redis.sadd("asynq:queues", "old");
  expect(await cliWith({ answer: "y" }, "queue", "rm", "gone", "old")).toEqual({
    code: 3,
    out: 'Successfully removed queue "old"\n',
    err: `${said}Remove queue "old"? [y/N] `,
  });
});

test("queue remove names what to run so that a shell reads the queue as one word", async ({ cli, redis }) => {
  await pending(redis, "it's full");
  expect((await cli("queue", "rm", "-y", "it's full")).err).toContain(`run 'asynqjs queue rm --force "it's full"'`);
});

test("queue remove --force takes the tasks too", async ({ cli, redis }) => {
  await pending(redis, "full");

  expect(await cli("queue", "rm", "-f", "-y", "full")).toMatchObject({ code: 0, err: "" });
  expect(await keys(redis)).toEqual([]);
});
