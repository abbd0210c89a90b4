/** `updateTaskPayloads`, `redriveTasks` and `rescheduleTasks`: what changes a task that waits, without a race. */
import { describe } from "vitest";
import { expect, startNs, startSec, test } from "../../../../test/support/broker-test.ts";
import { everyId, seedEveryState } from "../../../../test/support/every-state.ts";
import { dequeue } from "../broker/dequeue.ts";
import { enqueue } from "../broker/enqueue.ts";
import { forwardDue } from "../broker/forward-due.ts";
import { scanInvariants } from "../invariants/scan-invariants.ts";
import { uniqueKey } from "../keys.ts";
import { decodeTaskMessage } from "../wire/decode-task-message.ts";
import { patchTaskMessage } from "../wire/patch-task-message.ts";
import { redriveTasks } from "./redrive-tasks.ts";
import { rescheduleTasks } from "./reschedule-tasks.ts";
import { updateTaskPayloads } from "./update-task-payloads.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const byId = (verdicts: readonly string[]): Record<string, string> => Object.fromEntries(everyId.map((id, i) => [id, verdicts[i]!]));

describe("updateTaskPayloads", () => {
  test("changes the payload of what waits or is archived and nothing else, and says of each other why not", async ({
    broker,
    aTask,
    redis,
    keyspace,
  }) => {
    await seedEveryState(broker, aTask);
    await redis.del(...(await redis.keys("asynq:{default}:unique:*")));
    const before = await keyspace();

    const verdicts = await updateTaskPayloads(
      broker,
      "default",
      everyId.map((id) => ({ id, payload: { new: id } })),
    );

    const done = ["aggregating", "archived", "grouped-later", "pending", "recovered", "retry", "scheduled"];
    expect(byId(verdicts)).toEqual({
      ...Object.fromEntries(done.map((id) => [id, "done"])),
      active: "active",
      completed: "completed",
      "in-a-set": "aggregating",
      quarantined: "js:quarantine",
      "unique-in-a-set": "aggregating",
    });
    const after = await keyspace();
    for (const id of done) {
      const key = `asynq:{default}:t:${id}`;
      const { msg, unique_key, ...fields } = after[key] as unknown as Record<string, string>;
      const { msg: msgBefore, unique_key: lockBefore, ...fieldsBefore } = before[key] as unknown as Record<string, string>;
      expect(fields).toEqual(fieldsBefore);
      expect(unique_key === lockBefore).toBe(unique_key === undefined);
      const stored = decodeTaskMessage((await redis.hgetBuffer(key, "msg"))!, "");
      expect(new TextDecoder().decode(stored.payload)).toBe(JSON.stringify({ new: id }));
      expect(stored.uniqueKey).toBe(unique_key);
      expect(msg).not.toBe(msgBefore);
      delete after[key];
      delete before[key];
    }
    expect(after).toEqual(before);
    expect(await updateTaskPayloads(broker, "default", [{ id: "none", payload: "x" }])).toEqual(["not-found"]);
  });

  test("takes the unique lock along, for the time it has left", async ({ broker, aTask, redis }) => {
    await enqueue(broker, [aTask({ taskId: "a", payload: "old", uniqueTtlSec: 3600, processInSec: 60 })]);
    const [oldLock, newLock] = ["old", "new"].map((payload) => uniqueKey("default", "email:send", bytes(payload))) as [string, string];
    const ttlBefore = await redis.pttl(oldLock);

    expect(await updateTaskPayloads(broker, "default", [{ id: "a", payload: "new" }])).toEqual(["done"]);

    expect(await redis.exists(oldLock)).toBe(0);
    expect(await redis.get(newLock)).toBe("a");
    const ttl = await redis.pttl(newLock);
    expect(ttl).toBeLessThanOrEqual(ttlBefore);
    expect(ttl).toBeGreaterThan(ttlBefore - 10_000);
    expect(await redis.hget("asynq:{default}:t:a", "unique_key")).toBe(newLock);
    expect((await scanInvariants(broker.redis)).findings).toEqual([]);
    expect(await enqueue(broker, [aTask({ payload: "old", uniqueTtlSec: 60 }), aTask({ payload: "new", uniqueTtlSec: 60 })])).toEqual([
      { verdict: "enqueued" },
      { verdict: "duplicate-task" },
    ]);
  });

  test("makes no second task of a unique one: the lock of another stays another's, and the task as it was", async ({
    broker,
    aTask,
    keyspace,
  }) => {
    await enqueue(
      broker,
      ["a", "b"].map((taskId) => aTask({ taskId, payload: taskId, uniqueTtlSec: 3600 })),
    );
    const before = await keyspace();

    expect(await updateTaskPayloads(broker, "default", [{ id: "a", payload: "b" }])).toEqual(["duplicate"]);

    expect(await keyspace()).toEqual(before);
  });

  test("takes no lock for a task that holds none any more", async ({ broker, aTask, redis }) => {
    await enqueue(broker, [aTask({ taskId: "a", payload: "a", uniqueTtlSec: 3600 })]);
    const [lock] = await redis.keys("asynq:{default}:unique:*");
    await redis.set(lock!, "somebody-else");

    expect(await updateTaskPayloads(broker, "default", [{ id: "a", payload: "b" }])).toEqual(["done"]);

    expect(await redis.get(lock!)).toBe("somebody-else");
    expect(await redis.keys("asynq:{default}:unique:*")).toEqual([lock]);
  });

  test("overwrites no message that changed since it was read, but reads it again", async ({ broker, aTask, redis, port }) => {
    await enqueue(broker, [aTask({ taskId: "a", payload: "a" })]);
    const key = "asynq:{default}:t:a";
    let sends = 0;
    const send = port.send.bind(port);
    port.send = async (...args) => {
      const replies = await send(...args);
      // Right after it was read for the first time.
      if (++sends === 1) {
        const { bytes: msg } = patchTaskMessage((await redis.hgetBuffer(key, "msg"))!, { errorMsg: "meanwhile" });
        await redis.hset(key, "msg", Buffer.from(msg));
      }
      return replies;
    };

    expect(await updateTaskPayloads(broker, "default", [{ id: "a", payload: "b" }])).toEqual(["done"]);

    const stored = decodeTaskMessage((await redis.hgetBuffer(key, "msg"))!, "");
    expect([stored.errorMsg, new TextDecoder().decode(stored.payload)]).toEqual(["meanwhile", "b"]);
  });

  test("leaves alone what cannot be read, and refuses what JSON cannot hold before any I/O", async ({
    broker,
    redis,
    seedPending,
    port,
  }) => {
    await seedPending("a");
    await redis.hset("asynq:{default}:t:a", "msg", "\u0007no message");
    expect(await updateTaskPayloads(broker, "default", [{ id: "a", payload: "b" }])).toEqual(["unreadable"]);
    const before = port.sent.length;
    await expect(updateTaskPayloads(broker, "default", [{ id: "a", payload: () => {} }])).rejects.toMatchObject({ code: "INVALID_OPTION" });
    expect(port.sent.length).toBe(before);
  });
});

describe("redriveTasks", () => {
  test("lets what failed begin anew, its error and its count gone, and says of each other why not", async ({
    broker,
    aTask,
    redis,
    clock,
  }) => {
    await seedEveryState(broker, aTask);
    await clock.advance(1_000);

    const verdicts = byId(await redriveTasks(broker, "default", everyId));

    const done = ["archived", "recovered", "retry"];
    for (const id of everyId) if (!done.includes(id)) expect([id, verdicts[id]]).not.toEqual([id, "done"]);
    expect(verdicts).toMatchObject({ archived: "done", recovered: "done", retry: "done", completed: "completed", scheduled: "scheduled" });
    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["retry", "recovered", "archived", "pending"]);
    for (const id of done) {
      const { msg: _, unique_key: __, ...fields } = await redis.hgetall(`asynq:{default}:t:${id}`);
      expect(fields).toEqual({ state: "pending", pending_since: String(BigInt(startNs) + 1_000_000_000n) });
      const stored = decodeTaskMessage((await redis.hgetBuffer(`asynq:{default}:t:${id}`, "msg"))!, "");
      expect(stored).toMatchObject({ id, retried: 0, errorMsg: undefined, lastFailedAtSec: undefined, payload: bytes(id) });
    }
    expect((await scanInvariants(broker.redis)).findings).toEqual([]);
    expect(await redriveTasks(broker, "default", ["retry", "none"])).toEqual(["pending", "not-found"]);
  });
});

describe("rescheduleTasks", () => {
  test("lets what waits wait for another time, and says of each other why not", async ({ broker, aTask, redis, clock }) => {
    await seedEveryState(broker, aTask);
    const at = new Date((startSec + 500) * 1000 + 999);

    const verdicts = byId(await rescheduleTasks(broker, "default", everyId, at));

    expect(verdicts).toEqual({
      active: "active",
      aggregating: "done",
      archived: "archived",
      completed: "completed",
      "grouped-later": "done",
      "in-a-set": "aggregating",
      pending: "done",
      quarantined: "js:quarantine",
      recovered: "done",
      retry: "done",
      scheduled: "done",
      "unique-in-a-set": "aggregating",
    });
    const times = (...ids: string[]) => ids.flatMap((id) => [id, String(startSec + 500)]);
    expect(await redis.zrange("asynq:{default}:retry", "0", "-1", "WITHSCORES")).toEqual(times("recovered", "retry"));
    expect(await redis.zrange("asynq:{default}:scheduled", "0", "-1", "WITHSCORES")).toEqual(
      times("aggregating", "grouped-later", "pending", "scheduled"),
    );
    expect(await redis.hget("asynq:{default}:t:recovered", "js:recovered")).toBe("1@0");
    expect(await redis.hget("asynq:{default}:t:pending", "pending_since")).toBeNull();
    expect((await scanInvariants(broker.redis)).findings).toEqual([]);

    await clock.advance(501_000);
    await forwardDue(broker, [{ queue: "default", from: "scheduled" }]);
    expect(await redis.zrange("asynq:{default}:g:g", "0", "-1")).toEqual(["aggregating"]);
    expect((await dequeue(broker, ["default"], 10)).tasks.map(({ id }) => id)).toEqual(["grouped-later", "pending", "scheduled"]);
  });

  test("refuses what is no time, before any I/O", async ({ broker, port }) => {
    const before = port.sent.length;
    for (const at of [new Date(Number.NaN), 5 as unknown as Date])
      await expect(rescheduleTasks(broker, "default", ["a"], at)).rejects.toMatchObject({ option: "processAt" });
    expect(port.sent.length).toBe(before);
  });
});
