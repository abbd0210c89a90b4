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
    await redis.hset("asynq:{default}:t:a", "js:recovered", "1@0");
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
