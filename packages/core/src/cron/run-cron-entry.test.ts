import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { everySlots as slotsBetween } from "../../../../test/support/every-slots.ts";
import { listSchedulerEnqueueEvents } from "../broker/scheduler-entries.ts";
import { schedule } from "../ticks/schedule.ts";
import { decodeSchedulerEnqueueEvent } from "../wire/scheduler-entry.ts";
import { addCronEntry } from "./add-cron-entry.ts";
import { pauseCronEntry } from "./pause-cron-entry.ts";
import { runCronEntry } from "./run-cron-entry.ts";

const minute = { id: "report", spec: "@every 60s", type: "report:send", queue: "q" } as const;
const quiet = { slotsBetween, told: false } as const;

describe("runCronEntry", () => {
  test("enqueues a task now, also of a paused entry, and leaves its slots as they are", async ({ broker, clock, redis }) => {
    await addCronEntry(broker, { ...minute, payload: "p", options: { maxRetry: 3 } });
    await pauseCronEntry(broker, "report", { slotsBetween });

    const info = await runCronEntry(broker, "report");

    expect(info).toMatchObject({
      queue: "q",
      type: "report:send",
      state: "pending",
      maxRetry: 3,
      id: expect.stringMatching(/^report:now:[0-9a-f-]{36}$/),
    });
    expect(await redis.lrange("asynq:{q}:pending", 0, -1)).toEqual([info.id]);
    expect(await redis.hgetall("asynq:{q}:js:cron:report")).toMatchObject({
      slot: String(startSec),
      ran: info.id,
      ranAt: String(startSec),
    });
    const [event] = await listSchedulerEnqueueEvents(broker, "report");
    expect(decodeSchedulerEnqueueEvent(event!, "an event").taskId).toBe(info.id);
    expect(clock.nowMs()).toBe(startSec * 1000);
  });

  test("is the run that the next slot must not overlap", async ({ broker, clock }) => {
    await addCronEntry(broker, { ...minute, overlap: "skip" });
    await runCronEntry(broker, "report");
    await clock.advance(60_000);

    expect(await schedule(broker, quiet)).toMatchObject({ fired: 0, overlapping: 1 });
  });

  test("also runs one whose claim was lost, whose slots count from then on", async ({ broker, clock, redis }) => {
    await addCronEntry(broker, { ...minute, catchUp: "all" });
    await clock.advance(600_000);
    await redis.del("asynq:{q}:js:cron:report");

    const { id } = await runCronEntry(broker, "report");

    expect(await schedule(broker, quiet)).toMatchObject({ fired: 0 });
    expect(await redis.lrange("asynq:{q}:pending", 0, -1)).toEqual([id]);
  });

  test("is refused where the unique lock is held, and where there is no such entry", async ({ broker }) => {
    await addCronEntry(broker, { ...minute, options: { uniqueTtlSec: 60 } });
    await runCronEntry(broker, "report");

    await expect(runCronEntry(broker, "report")).rejects.toMatchObject({ code: "DUPLICATE_TASK" });
    await expect(runCronEntry(broker, "nobody")).rejects.toMatchObject({ code: "CRON_ENTRY_NOT_FOUND" });
  });
});
