import type { Redis } from "ioredis";
import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { deleteExpired } from "./delete-expired.ts";

const completed = "asynq:{default}:completed";
const archived = "asynq:{default}:archived";
const none = { expired: 0, completedTrimmed: 0, trimmed: 0, dangling: 0, more: false };

describe("deleteExpired", () => {
  test("deletes completed tasks whose retention has ended, with the lock they still own, and no task whose id is used again", async ({
    broker,
    redis,
    keyspace,
  }) => {
    await redis.zadd(completed, startSec, "over", startSec - 5, "gone", startSec - 5, "again", startSec - 5, "text", startSec + 1, "kept");
    for (const id of ["over", "kept"]) await redis.hset(`asynq:{default}:t:${id}`, "msg", "m", "state", "completed");
    await redis.hset("asynq:{default}:t:again", "msg", "m", "state", "pending");
    await redis.set("asynq:{default}:t:text", "no hash");
    // It was in a group once.
    await redis.hset("asynq:{default}:t:over", "unique_key", "asynq:{default}:unique:t:", "group", "g");
    await redis.set("asynq:{default}:unique:t:", "over");

    const [outcome] = await deleteExpired(broker, ["default"]);

    expect(outcome!.value).toEqual({ expired: 1, completedTrimmed: 0, trimmed: 0, dangling: 3, more: false, nextSec: startSec + 1 });
    expect(await keyspace()).toEqual({
      "asynq:{default}:t:text": "no hash",
      [completed]: { kept: String(startSec + 1) },
      "asynq:{default}:t:kept": { msg: "m", state: "completed" },
      "asynq:{default}:t:again": { msg: "m", state: "pending" },
    });
  });

  test("takes as many as it is told, the longest over first, and says that more are due", async ({ broker, redis }) => {
    for (const [i, id] of ["c", "b", "a"].entries()) {
      await redis.zadd(completed, startSec - 10 + i, id);
      await redis.hset(`asynq:{default}:t:${id}`, "msg", "m", "state", "completed");
    }

    expect((await deleteExpired(broker, ["default"], { batchSize: 2 }))[0]!.value).toMatchObject({ expired: 2, more: true });
    expect(await redis.zrange(completed, "0", "-1")).toEqual(["a"]);
    expect((await deleteExpired(broker, ["default"], { batchSize: 2 }))[0]!.value).toMatchObject({ expired: 1, more: false });
  });

  test("keeps no more completed tasks than the limit says; those whose retention ends first go first", async ({ broker, redis }) => {
    const limited = { ...broker, limits: { archiveMaxAgeSec: 10, archiveMaxSize: 10, completedMaxSize: 2 } };
    for (const [i, id] of ["a", "b", "c", "d", "e"].entries()) {
      await redis.zadd(completed, startSec + 10 + i, id);
      await redis.hset(`asynq:{default}:t:${id}`, "msg", "m", "state", "completed");
    }

    expect((await deleteExpired(broker, ["default"]))[0]!.value).toMatchObject({ completedTrimmed: 0, more: false });
    expect((await deleteExpired(limited, ["default"], { batchSize: 2 }))[0]!.value).toMatchObject({ completedTrimmed: 2, more: true });
    expect((await deleteExpired(limited, ["default"], { batchSize: 2 }))[0]!.value).toMatchObject({ completedTrimmed: 1, more: false });

    expect(await redis.zrange(completed, "0", "-1")).toEqual(["d", "e"]);
    expect(await redis.keys("asynq:{default}:t:*")).toHaveLength(2);
  });

  test("trims an archive to which nothing is added any more, by age and by number", async ({ broker, redis }) => {
    const limited = { ...broker, limits: { archiveMaxAgeSec: 100, archiveMaxSize: 3 } };
    await redis.zadd(archived, startSec - 101, "old", startSec - 100, "just old", startSec - 3, "a", startSec - 2, "b", startSec - 1, "c");
    for (const id of ["old", "just old", "a", "b", "c"]) await redis.hset(`asynq:{default}:t:${id}`, "msg", "m", "state", "archived");

    expect((await deleteExpired(broker, ["default"]))[0]!.value).toMatchObject({ trimmed: 0 });
    expect((await deleteExpired(limited, ["default"]))[0]!.value).toEqual({
      expired: 0,
      completedTrimmed: 0,
      trimmed: 3,
      dangling: 0,
      more: false,
      nextSec: startSec - 2 + 100,
    });

    // One fewer than the limit, as in Asynq.
    expect(await redis.zrange(archived, "0", "-1")).toEqual(["b", "c"]);
    expect((await redis.keys("asynq:{default}:t:*")).sort()).toEqual(["asynq:{default}:t:b", "asynq:{default}:t:c"]);
  });

  test("leaves a lock that is no text alone, and deletes the task", async ({ broker, redis }) => {
    await redis.zadd(completed, startSec, "a");
    await redis.hset("asynq:{default}:t:a", "msg", "m", "state", "completed", "unique_key", "asynq:{default}:unique:t:");
    await redis.lpush("asynq:{default}:unique:t:", "in the way");

    expect((await deleteExpired(broker, ["default"]))[0]!.value).toMatchObject({ expired: 1 });

    expect(await redis.lrange("asynq:{default}:unique:t:", 0, -1)).toEqual(["in the way"]);
  });

  describe.each([
    ["expired", completed, startSec],
    ["completedTrimmed", completed, startSec + 1],
    ["trimmed", archived, startSec - 10],
  ] as const)("tasks that count as %s", (kind, container, score) => {
    const seed = async (redis: Redis, sizes: readonly number[]): Promise<void> => {
      for (const [i, size] of sizes.entries()) {
        await redis.zadd(container, score, `t${i}`);
        await redis.hset(`asynq:{default}:t:t${i}`, "msg", Buffer.alloc(size), "state", container.split(":").at(-1)!);
      }
    };
    const limits = { archiveMaxAgeSec: 10, archiveMaxSize: 10, completedMaxSize: 0 };

    test.for([
      [[1024 * 1024, 1], 1],
      [[1024 * 1024 - 1, 1, 1], 2],
      [[1024 * 1024 + 1, 1], 1],
    ] as const)("of messages of %j bytes go %i: none once 1 MiB is gone", async ([sizes, deleted], { broker, redis }) => {
      await seed(redis, sizes);

      expect((await deleteExpired({ ...broker, limits }, ["default"]))[0]!.value).toEqual({ ...none, [kind]: deleted, more: true });
    });

    test("whose hash is gone are dropped, and counted", async ({ broker, redis }) => {
      await redis.zadd(container, score, "gone");

      const dropped = kind === "trimmed" ? { trimmed: 1 } : { dangling: 1 };
      expect((await deleteExpired({ ...broker, limits }, ["default"]))[0]!.value).toEqual({ ...none, ...dropped });

      expect(await redis.keys("asynq:{default}:js:call:*")).toHaveLength(1);
    });

    test("leave a record of their call, a single one too; where nothing is to be done there is none", async ({ broker, redis }) => {
      const records = (): Promise<string[]> => redis.keys("asynq:{default}:js:call:*");
      await deleteExpired({ ...broker, limits }, ["default"]);
      expect(await records()).toHaveLength(0);
      await seed(redis, [1]);

      await deleteExpired({ ...broker, limits }, ["default"]);

      expect(await records()).toHaveLength(1);
    });
  });

  test("deletes no completed task while there are fewer than the limit, or just as many", async ({ broker, redis }) => {
    for (const id of ["a", "b", "c", "d"]) {
      await redis.zadd(completed, startSec + 10, id);
      await redis.hset(`asynq:{default}:t:${id}`, "msg", "m", "state", "completed");
    }

    for (const completedMaxSize of [4, 5, 6]) {
      const limited = { ...broker, limits: { archiveMaxAgeSec: 10, archiveMaxSize: 10, completedMaxSize } };
      expect((await deleteExpired(limited, ["default"]))[0]!.value).toEqual({ ...none, nextSec: startSec + 10 });
    }
    // The archive keeps one fewer than its limit.
    await redis.rename(completed, archived);
    for (const archiveMaxSize of [5, 6, 7]) {
      const limited = { ...broker, limits: { archiveMaxAgeSec: 10, archiveMaxSize } };
      expect((await deleteExpired(limited, ["default"]))[0]!.value).toEqual({ ...none, nextSec: startSec + 20 });
    }
    expect(await redis.zcard(archived)).toBe(4);
  });

  test("trims completed tasks only once none has expired, and says there is no more where just a batch is over", async ({
    broker,
    redis,
  }) => {
    const limited = { ...broker, limits: { archiveMaxAgeSec: 10, archiveMaxSize: 10, completedMaxSize: 1 } };
    for (const [i, id] of ["a", "b", "c", "d", "e"].entries()) {
      await redis.zadd(completed, i < 2 ? startSec : startSec + 10, id);
      await redis.hset(`asynq:{default}:t:${id}`, "msg", "m", "state", "completed");
    }

    expect((await deleteExpired(limited, ["default"], { batchSize: 2 }))[0]!.value).toEqual({ ...none, expired: 2, more: true });
    expect((await deleteExpired(limited, ["default"], { batchSize: 2 }))[0]!.value).toEqual({
      ...none,
      completedTrimmed: 2,
      nextSec: startSec + 10,
    });
  });

  test("tells when the next one is over, by its retention or its age, whichever comes first", async ({ broker, redis }) => {
    const limited = { ...broker, limits: { archiveMaxAgeSec: 100, archiveMaxSize: 10 } };
    const nextSec = async (): Promise<number | undefined> => (await deleteExpired(limited, ["default"]))[0]!.value!.nextSec;
    expect(await nextSec()).toBeUndefined();

    await redis.zadd(archived, startSec - 40, "a", startSec - 30, "b");
    expect(await nextSec()).toBe(startSec + 60);
    await redis.zadd(completed, startSec + 70, "c");
    expect(await nextSec()).toBe(startSec + 60);
    await redis.zadd(completed, startSec + 59.5, "d");
    expect(await nextSec()).toBe(startSec + 60);
    await redis.zadd(completed, startSec + 58.5, "d");
    expect(await nextSec()).toBe(startSec + 59);
    await redis.del(archived);
    await redis.zadd(completed, "+inf", "c", "+inf", "d");
    expect(await nextSec()).toBe(99_999_999_999);
  });

  test("says that archived tasks may be left after a full batch of the old ones, whatever is too many besides", async ({
    broker,
    redis,
  }) => {
    const limited = { ...broker, limits: { archiveMaxAgeSec: 10, archiveMaxSize: 2 } };
    for (const [i, id] of ["a", "b", "c", "d"].entries()) {
      await redis.zadd(archived, i < 2 ? startSec - 10 : startSec, id);
      await redis.hset(`asynq:{default}:t:${id}`, "msg", "m", "state", "archived");
    }

    expect((await deleteExpired(limited, ["default"], { batchSize: 2 }))[0]!.value).toEqual({ ...none, trimmed: 3, more: true });
  });

  test("refuses a queue whose container is of the wrong type, and serves the others", async ({ broker, redis }) => {
    await redis.set("asynq:{broken}:archived", "in the way");
    await redis.zadd("asynq:{broken}:completed", 1, "a");
    await redis.zadd(completed, 1, "b");

    const [broken, fine] = await deleteExpired(broker, ["broken", "default"]);

    expect(broken!.error).toMatchObject({ reply: "WRONGTYPE" });
    expect(fine!.value).toMatchObject({ dangling: 1 });
    expect(await redis.zcard("asynq:{broken}:completed")).toBe(1);
  });
});
