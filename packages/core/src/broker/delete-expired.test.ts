import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { deleteExpired } from "./delete-expired.ts";

const completed = "asynq:{default}:completed";
const archived = "asynq:{default}:archived";

describe("deleteExpired", () => {
  test("deletes completed tasks whose retention has ended, with the lock they still own, and no task whose id is used again", async ({
    broker,
    redis,
    keyspace,
  }) => {
    await redis.zadd(completed, startSec, "over", startSec - 5, "gone", startSec - 5, "again", startSec + 1, "kept");
    for (const id of ["over", "kept"]) await redis.hset(`asynq:{default}:t:${id}`, "msg", "m", "state", "completed");
    await redis.hset("asynq:{default}:t:again", "msg", "m", "state", "pending");
    await redis.hset("asynq:{default}:t:over", "unique_key", "asynq:{default}:unique:t:");
    await redis.set("asynq:{default}:unique:t:", "over");

    const [outcome] = await deleteExpired(broker, ["default"]);

    expect(outcome!.value).toEqual({ expired: 1, completedTrimmed: 0, trimmed: 0, dangling: 2, more: false });
    expect(await keyspace()).toEqual({
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
    });

    // One fewer than the limit, as in Asynq.
    expect(await redis.zrange(archived, "0", "-1")).toEqual(["b", "c"]);
    expect((await redis.keys("asynq:{default}:t:*")).sort()).toEqual(["asynq:{default}:t:b", "asynq:{default}:t:c"]);
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
