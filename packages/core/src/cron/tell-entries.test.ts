import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { everySlots as slotsBetween } from "../../../../test/support/every-slots.ts";
import { listSchedulerEnqueueEvents, listSchedulerEntries } from "../broker/scheduler-entries.ts";
import type { Broker } from "../broker.ts";
import { mortalRedis } from "../testing/faulty-redis.ts";
import { schedule } from "../ticks/schedule.ts";
import { decodeSchedulerEnqueueEvent, decodeSchedulerEntry } from "../wire/scheduler-entry.ts";
import { goZeroTimeNs } from "../wire/timestamp.ts";
import { addCronEntry } from "./add-cron-entry.ts";
import { editCronEntry } from "./edit-cron-entry.ts";
import { pauseCronEntry } from "./pause-cron-entry.ts";
import { removeCronEntry } from "./remove-cron-entry.ts";

const minute = { id: "report", spec: "@every 60s", type: "report:send", queue: "q" } as const;
const first = Math.ceil(startSec / 60) * 60;
const told = "asynq:schedulers:{asynqjs:0:cron}";
const times = { slotsBetween };
const ns = (sec: number): bigint => BigInt(sec) * 1_000_000_000n;

const listed = async (broker: Broker) => (await listSchedulerEntries(broker)).map((bytes) => decodeSchedulerEntry(bytes, "an entry"));
const history = async (broker: Broker) =>
  (await listSchedulerEnqueueEvents(broker, "report")).map((bytes) => decodeSchedulerEnqueueEvent(bytes, "an event"));

describe("what Asynq's tools are told", () => {
  test("is each entry with its next and its last time, in Asynq's form, for longer than a day", async ({ broker, clock, redis }) => {
    await addCronEntry(broker, { ...minute, payload: "p", options: { maxRetry: 3 } });
    await schedule(broker, times);
    const entry = {
      id: "report",
      spec: "@every 60s",
      taskType: "report:send",
      taskPayload: new TextEncoder().encode("p"),
      enqueueOptions: ["MaxRetry(3)", 'Queue("q")'],
      nextEnqueueAtNs: ns(first),
      prevEnqueueAtNs: goZeroTimeNs,
    };
    expect(await listed(broker)).toEqual([entry]);

    await clock.advance((first + 7 - startSec) * 1000);
    await schedule(broker, times);
    expect(await listed(broker)).toEqual([{ ...entry, nextEnqueueAtNs: ns(first + 60), prevEnqueueAtNs: ns(first) }]);
    expect(await redis.ttl(told)).toBeCloseTo(90_000, -2);
    expect(await redis.zscore("asynq:schedulers", told)).toBe(String(first + 7 + 90_000));
    await clock.advance(86_400_000);
    expect(await listed(broker)).toHaveLength(1);
  });

  test("is every task that was enqueued, once, for 90 days after the last", async ({ broker, other, clock, redis }) => {
    await addCronEntry(broker, { ...minute, catchUp: "all" });
    await clock.advance((first + 125 - startSec) * 1000);
    for (const each of [broker, other, broker]) {
      await schedule(each, times);
      await clock.advance(1_000);
    }

    const events = [2, 1, 0].map((minutes) => ({ taskId: `report:${first + minutes * 60}`, enqueuedAtNs: ns(first + 125) }));
    expect((await history(broker)).sort((a, b) => (a.taskId < b.taskId ? 1 : -1))).toEqual(events);
    expect(await redis.ttl("asynq:scheduler_history:report")).toBeCloseTo(90 * 24 * 3600, -2);
  });

  test("is told by the next tick where the one that fired was killed before it told, and not told twice", async ({
    broker,
    other,
    clock,
  }) => {
    await addCronEntry(broker, minute);
    for (let kills = 0; kills < 6; kills++) {
      await clock.advance(60_000);
      await schedule({ ...broker, redis: mortalRedis(broker.redis, kills) }, times).catch(() => {});
      await clock.advance(5_000);
      await schedule(other, times);
    }

    const slots = (await history(other)).map(({ taskId }) => Number(taskId.split(":")[1]));
    expect(slots).toEqual(slotsBetween({ ...minute, timeZone: "UTC", anchorSec: 0 }, startSec, clock.nowMs() / 1000, 100).toReversed());
    expect(await listed(other)).toEqual([expect.objectContaining({ prevEnqueueAtNs: ns(slots[0]!) })]);
  });

  test("stays while an entry is changed, and the next tick tells what it is then", async ({ broker, clock }) => {
    const entry = await addCronEntry(broker, minute);
    await addCronEntry(broker, { ...minute, id: "second" });
    await schedule(broker, times);
    await editCronEntry(broker, entry, { spec: "@every 30s" }, times);
    expect((await listed(broker)).map(({ id, spec }) => [id, spec])).toEqual([
      ["second", "@every 60s"],
      ["report", "@every 60s"],
    ]);

    await schedule(broker, times);
    expect((await listed(broker)).map(({ id, spec }) => [id, spec])).toEqual([
      ["second", "@every 60s"],
      ["report", "@every 30s"],
    ]);
    await pauseCronEntry(broker, "second", times);
    await schedule(broker, times);
    expect((await listed(broker)).map(({ id }) => id)).toEqual(["report"]);
    expect(clock.nowMs()).toBe(startSec * 1000);
  });

  test("is taken back when the last entry is removed", async ({ broker, redis }) => {
    await addCronEntry(broker, minute);
    await schedule(broker, times);
    await removeCronEntry(broker, "report");
    await schedule(broker, times);

    for (const key of [told, "asynq:schedulers"]) expect(await redis.exists(key)).toBe(0);
  });

  test("is nothing where nobody is to be told, and as another scheduler where that is wanted", async ({ broker, keyspace }) => {
    await addCronEntry(broker, minute);
    await schedule(broker, { ...times, told: false });
    expect(Object.keys(await keyspace()).filter((key) => key.startsWith("asynq:schedulers"))).toEqual([]);

    await schedule(broker, { ...times, told: { schedulerId: "host:1:uuid", forSec: 20 } });
    await schedule(broker, { ...times, queues: ["q"] });
    expect(Object.keys((await keyspace())["asynq:schedulers"]!)).toEqual([
      "asynq:schedulers:{host:1:uuid}",
      "asynq:schedulers:{asynqjs:0:cron:q}",
    ]);
  });
});
