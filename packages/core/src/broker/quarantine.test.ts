import { describe } from "vitest";
import { expect, startNs, startSec, test } from "../../../../test/support/broker-test.ts";
import type { Broker } from "../broker.ts";
import type { NewTask } from "../options.ts";
import { aggregationCheck, type CheckedGroup } from "./aggregation-check.ts";
import { dequeue } from "./dequeue.ts";
import { enqueue } from "./enqueue.ts";
import { deleteQuarantined, releaseQuarantined } from "./leave-quarantine.ts";
import { listQuarantined } from "./list-quarantined.ts";
import { setMembersAside } from "./set-members-aside.ts";
import { settle } from "./settle.ts";

async function quarantine(broker: Broker, ...tasks: NewTask[]): Promise<void> {
  await enqueue(broker, tasks);
  const taken = await dequeue(broker, ["default"], tasks.length);
  await settle(
    broker,
    taken.tasks.map(({ queue, id, token }) => ({ queue, id, fence: { token }, to: "quarantined", why: "wire type 7" })),
  );
}

describe("the quarantine", () => {
  test("lists what is in it page by page, with why and since when, but not its bytes", async ({ broker, aTask, clock }) => {
    await quarantine(broker, aTask({ taskId: "a" }));
    await clock.advance(5_000);
    await quarantine(broker, aTask({ taskId: "b" }), aTask({ taskId: "c" }));

    const [first, ...rest] = await listQuarantined(broker, "default", { size: 2 });
    expect(first).toEqual({
      id: "a",
      quarantinedAt: new Date(startSec * 1000),
      from: "active",
      why: "wire type 7",
      msgBytes: expect.any(Number),
    });
    expect(first!.msgBytes).toBeGreaterThan(10);
    expect(rest.map(({ id }) => id)).toEqual(["b"]);
    expect((await listQuarantined(broker, "default", { size: 2, page: 2 })).map(({ id }) => id)).toEqual(["c"]);
    expect(await listQuarantined(broker, "none")).toEqual([]);
  });

  test("releases tasks to pending, as they were before they were taken", async ({ broker, aTask, keyspace, redis }) => {
    await enqueue(broker, [aTask({ taskId: "a" })]);
    const before = await keyspace();
    const { tasks } = await dequeue(broker, ["default"], 1);
    await redis.hset("asynq:{default}:t:a", "js:recovered", "1@0", "js:handed_back", "2");
    await settle(broker, [{ queue: "default", id: "a", fence: { token: tasks[0]!.token }, to: "quarantined", why: "x" }]);

    expect(await releaseQuarantined(broker, "default", ["a", "none"])).toEqual(["released", "not-quarantined"]);

    expect(await keyspace()).toEqual(before);
    expect((before["asynq:{default}:t:a"] as Record<string, string>).pending_since).toBe(startNs);
  });

  test("releases a task that was set aside on its way out of a group back into it", async ({ broker, aTask, keyspace }) => {
    await enqueue(broker, [aTask({ taskId: "a", group: "g" })]);
    const before = await keyspace();
    const [{ set }] = (await aggregationCheck(broker, "default", ["g"], { gracePeriodSec: 60, maxDelaySec: 0, maxSize: 1 })) as [
      CheckedGroup,
    ];
    expect(await setMembersAside(broker, set!, [{ id: "a", why: "wire type 7" }])).toEqual({ quarantined: 1, dangling: 0 });

    expect(await releaseQuarantined(broker, "default", ["a"])).toEqual(["released"]);

    expect(await keyspace()).toEqual(before);
  });

  test("releases tasks to be taken after those that wait, in the order they are named", async ({ broker, aTask, redis }) => {
    await quarantine(broker, aTask({ taskId: "a" }), aTask({ taskId: "b" }));
    await enqueue(broker, [aTask({ taskId: "waits" })]);

    await releaseQuarantined(broker, "default", ["b", "a"]);

    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["a", "b", "waits"]);
  });

  test("releases to pending what has a group but did not come from it, or whose group cannot take it back", async ({ broker, redis }) => {
    const fields = {
      "was forwarded": { "js:from": "active", group: "g" },
      "names none": { "js:from": "aggregating" },
      broken: { "js:from": "aggregating", group: "broken" },
    };
    await redis.set("asynq:{default}:g:broken", "in the way");
    for (const [id, of] of Object.entries(fields)) {
      await redis.zadd("asynq:{default}:js:quarantine", startSec, id);
      await redis.hset(`asynq:{default}:t:${id}`, { msg: "m", state: "js:quarantine", ...of });
    }

    expect(await releaseQuarantined(broker, "default", Object.keys(fields))).toEqual(["released", "released", "released"]);

    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["broken", "names none", "was forwarded"]);
    expect(await redis.exists("asynq:{default}:g:g", "asynq:{default}:groups")).toBe(0);
  });

  test("puts a task back into a group that has others", async ({ broker, redis }) => {
    await redis.zadd("asynq:{default}:js:quarantine", startSec, "a");
    await redis.hset("asynq:{default}:t:a", { msg: "m", state: "js:quarantine", "js:from": "aggregating", group: "g" });
    await redis.zadd("asynq:{default}:g:g", 1, "other");

    expect(await releaseQuarantined(broker, "default", ["a"])).toEqual(["released"]);

    expect(await redis.zrange("asynq:{default}:g:g", "0", "-1")).toEqual(["other", "a"]);
  });

  test("lists, and drops when it is to be released, what is no hash", async ({ broker, redis }) => {
    await redis.zadd("asynq:{default}:js:quarantine", startSec, "gone", startSec, "stub", startSec, "text");
    await redis.hset("asynq:{default}:t:stub", "js:from", "retry");
    await redis.set("asynq:{default}:t:text", "no hash");
    const nothing = { quarantinedAt: new Date(startSec * 1000), from: undefined, why: undefined, msgBytes: 0 };

    expect(await listQuarantined(broker, "default")).toEqual([
      { ...nothing, id: "gone" },
      { ...nothing, id: "stub", from: "retry" },
      { ...nothing, id: "text" },
    ]);
    expect(await releaseQuarantined(broker, "default", ["gone", "stub", "text"])).toEqual(["dangling", "dangling", "dangling"]);
    expect(await redis.get("asynq:{default}:t:text")).toBe("no hash");
  });

  test("deletes a task though its lock is no text, and leaves that alone", async ({ broker, redis }) => {
    await redis.zadd("asynq:{default}:js:quarantine", startSec, "a");
    await redis.hset("asynq:{default}:t:a", "msg", "m", "unique_key", "asynq:{default}:unique:t:");
    await redis.lpush("asynq:{default}:unique:t:", "in the way");

    expect(await deleteQuarantined(broker, "default", ["a"])).toEqual(["deleted"]);

    expect(await redis.keys("asynq:{default}:[tu]*")).toEqual(["asynq:{default}:unique:t:"]);
  });

  test("deletes tasks with the locks they hold, and no lock of another's", async ({ broker, aTask, keyspace, redis }) => {
    await quarantine(broker, aTask({ taskId: "a", uniqueTtlSec: 60 }), aTask({ taskId: "b", uniqueTtlSec: 60, payload: "other" }));
    const locks = await redis.keys("asynq:{default}:unique:*");
    const lockOfB = await redis.hget("asynq:{default}:t:b", "unique_key");
    expect(locks).toHaveLength(2);
    await redis.set(lockOfB!, "somebody-else");

    expect(await deleteQuarantined(broker, "default", ["a", "b"])).toEqual(["deleted", "deleted"]);

    expect(await keyspace()).toEqual({ "asynq:queues": ["default"], [lockOfB!]: "somebody-else" });
  });

  test("drops an id whose task is gone, and leaves what is elsewhere alone", async ({ broker, aTask, seedPending, redis, keyspace }) => {
    await quarantine(broker, aTask({ taskId: "gone" }));
    await redis.del("asynq:{default}:t:gone");
    await seedPending("p");
    const before = await keyspace();

    expect(await deleteQuarantined(broker, "default", ["gone", "p"])).toEqual(["dangling", "not-quarantined"]);

    const { "asynq:{default}:js:quarantine": _, ...rest } = before;
    expect(await keyspace()).toEqual(rest);
  });
});
