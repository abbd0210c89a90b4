import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import {
  decodeSchedulerEnqueueEvent,
  decodeSchedulerEntry,
  encodeSchedulerEnqueueEvent,
  encodeSchedulerEntry,
} from "../wire/scheduler-entry.ts";
import {
  clearSchedulerEntries,
  clearSchedulerHistory,
  listSchedulerEnqueueEvents,
  listSchedulerEntries,
  recordSchedulerEnqueueEvent,
  writeSchedulerEntries,
} from "./scheduler-entries.ts";

const entry = (id: string): Uint8Array =>
  encodeSchedulerEntry({
    id,
    spec: "@every 30s",
    taskType: "report",
    taskPayload: Uint8Array.of(0, 255, 128),
    enqueueOptions: ['Queue("low")'],
    nextEnqueueAtNs: 1_700_000_030_000_000_000n,
    prevEnqueueAtNs: undefined,
  });
const event = (taskId: string, atSec = startSec): Uint8Array =>
  encodeSchedulerEnqueueEvent({ taskId, enqueuedAtNs: BigInt(atSec) * 1_000_000_000n });
const schedulers = ["host:1:aaaa", "host:2:bbbb"] as const;

describe("a scheduler's entries", () => {
  test("stand where Asynq has them, last registered first, and are over when their time is", async ({ broker, redis, keyspace, clock }) => {
    await writeSchedulerEntries(broker, schedulers[0], [entry("e1"), entry("e2")], 20);
    await writeSchedulerEntries(broker, schedulers[1], [entry("e3")], 40);

    expect((await keyspace())["asynq:schedulers"]).toEqual({
      "asynq:schedulers:{host:1:aaaa}": String(startSec + 20),
      "asynq:schedulers:{host:2:bbbb}": String(startSec + 40),
    });
    expect(await redis.ttl("asynq:schedulers:{host:1:aaaa}")).toBe(20);
    const listed = (await listSchedulerEntries(broker)).map((bytes) => decodeSchedulerEntry(bytes, "an entry"));
    expect(listed.map(({ id }) => id)).toEqual(["e2", "e1", "e3"]);
    expect(listed[0]!.taskPayload).toEqual(Uint8Array.of(0, 255, 128));

    await clock.advance(21_000);
    expect((await listSchedulerEntries(broker)).map((bytes) => decodeSchedulerEntry(bytes, "an entry").id)).toEqual(["e3"]);
    expect(Object.keys((await keyspace())["asynq:schedulers"]!)).toEqual(["asynq:schedulers:{host:2:bbbb}"]);
  });

  test("are written anew each time, with an end also when a part of a second is asked for", async ({ broker, redis }) => {
    await writeSchedulerEntries(broker, schedulers[0], [entry("e1"), entry("e2")], 20);
    await writeSchedulerEntries(broker, schedulers[0], [entry("e2")], 0.4);
    expect(await redis.llen("asynq:schedulers:{host:1:aaaa}")).toBe(1);
    expect(await redis.ttl("asynq:schedulers:{host:1:aaaa}")).toBe(1);

    await writeSchedulerEntries(broker, schedulers[0], [], 20);
    expect(await redis.exists("asynq:schedulers:{host:1:aaaa}")).toBe(0);
  });

  test("are taken back", async ({ broker, keyspace }) => {
    await writeSchedulerEntries(broker, schedulers[0], [entry("e1")], 20);

    await clearSchedulerEntries(broker, schedulers[0]);

    expect(await keyspace()).toEqual({});
    expect(await listSchedulerEntries(broker)).toEqual([]);
  });
});

describe("an entry's history", () => {
  test("is kept newest first, by pages, the same event once", async ({ broker, redis }) => {
    for (const [i, id] of ["a", "b", "c", "c"].entries())
      await recordSchedulerEnqueueEvent(broker, "e1", { atSec: startSec + Math.min(i, 2), event: event(id), ttlSec: 60 });

    const read = async (page: number) =>
      (await listSchedulerEnqueueEvents(broker, "e1", { page, size: 2 })).map(
        (bytes) => decodeSchedulerEnqueueEvent(bytes, "an event").taskId,
      );
    expect([await read(1), await read(2), await read(3)]).toEqual([["c", "b"], ["a"], []]);
    expect(await redis.ttl("asynq:scheduler_history:e1")).toBe(60);
  });

  test("has a thousand events at most", async ({ broker, redis }) => {
    const pipeline = redis.pipeline();
    for (let i = 0; i < 1_000; i++) pipeline.zadd("asynq:scheduler_history:e1", startSec - 1_000 + i, `old${i}`);
    await pipeline.exec();

    await recordSchedulerEnqueueEvent(broker, "e1", { atSec: startSec, event: event("new") });

    expect(await redis.zcard("asynq:scheduler_history:e1")).toBe(1_000);
    expect(await redis.zscore("asynq:scheduler_history:e1", "old0")).toBeNull();
    expect(await redis.ttl("asynq:scheduler_history:e1")).toBe(-1);
  });

  test("is deleted", async ({ broker, keyspace }) => {
    await recordSchedulerEnqueueEvent(broker, "e1", { atSec: startSec, event: event("a") });

    await clearSchedulerHistory(broker, ["e1", "none"]);

    expect(await keyspace()).toEqual({});
  });
});
