import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { everySlots as slotsBetween } from "../../../../test/support/every-slots.ts";
import { addCronEntry } from "../cron/add-cron-entry.ts";
import { schedule } from "./schedule.ts";

const minute = { id: "report", spec: "@every 60s", type: "report:send", queue: "q" } as const;
const quiet = { slotsBetween, told: false } as const;
/** The first whole minute after the clock of the tests starts. */
const firstSec = Math.ceil(startSec / 60) * 60;

describe("schedule", () => {
  test("fires a slot that is due, and its claim moves on in the same step", async ({ broker, clock, keyspace }) => {
    await addCronEntry(broker, { ...minute, payload: "all" });
    expect(await schedule(broker, quiet)).toEqual({
      fired: 0,
      skipped: 0,
      overlapping: 0,
      duplicates: 0,
      conflicts: 0,
      lost: 0,
      moved: 0,
      more: false,
      nextSec: firstSec,
      errors: [],
    });

    await clock.advance((firstSec - startSec) * 1000);
    expect(await schedule(broker, quiet)).toMatchObject({ fired: 1, more: false, nextSec: firstSec + 60, errors: [] });

    const space = await keyspace();
    const taskId = `report:${firstSec}`;
    expect(space["asynq:{q}:pending"]).toEqual([taskId]);
    expect(space[`asynq:{q}:t:${taskId}`]).toMatchObject({ state: "pending", msg: expect.stringContaining("report:send") });
    expect(space["asynq:queues"]).toEqual(["q"]);
    expect(space["asynq:{q}:js:cron:report"]).toEqual({ slot: String(firstSec), epoch: "1", ran: taskId, ranAt: String(firstSec) });
  });

  test("fires it once, however many look and however often, also when its task is done and gone", async ({
    broker,
    other,
    clock,
    redis,
  }) => {
    await addCronEntry(broker, minute);
    await clock.advance(60_000);

    const reports = await Promise.all([broker, other, broker, other].map((each) => schedule(each, quiet)));
    expect(reports.reduce((sum, { fired }) => sum + fired, 0)).toBe(1);
    await redis.del("asynq:{q}:pending", `asynq:{q}:t:report:${firstSec}`);

    expect(await schedule(other, quiet)).toMatchObject({ fired: 0, nextSec: firstSec + 60 });
    expect(await redis.exists("asynq:{q}:pending")).toBe(0);
  });
});
