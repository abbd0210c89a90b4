import { describe } from "vitest";
import { expect, test } from "../../../../test/support/broker-test.ts";
import { everySlots as slotsBetween } from "../../../../test/support/every-slots.ts";
import { schedule } from "../ticks/schedule.ts";
import { addCronEntry } from "./add-cron-entry.ts";
import { editCronEntry } from "./edit-cron-entry.ts";
import { listCronEntries } from "./list-cron-entries.ts";
import { removeCronEntry } from "./remove-cron-entry.ts";

const minute = { id: "report", spec: "@every 60s", type: "report:send", queue: "q" } as const;

describe("removeCronEntry", () => {
  test("takes the entry out and seals its claim for 90 days: who read it before fires nothing", async ({ broker, other, clock, redis }) => {
    const entry = await addCronEntry(broker, minute);
    await clock.advance(60_000);

    await removeCronEntry(broker, "report");

    expect(await listCronEntries(broker)).toEqual({ entries: [], unreadable: [] });
    expect(await redis.exists("asynq:js:cron")).toBe(0);
    expect(await redis.hget("asynq:{q}:js:cron:report", "sealed")).toBe("1");
    expect(await redis.ttl("asynq:{q}:js:cron:report")).toBeCloseTo(90 * 24 * 3600, -2);
    expect(await schedule(other, { slotsBetween, told: false, entries: [entry] })).toMatchObject({ fired: 0, lost: 0 });
    expect(await redis.exists("asynq:{q}:pending")).toBe(0);
  });

  test("says so where there is none, and keeps one that was changed since it was read", async ({ broker, other }) => {
    await expect(removeCronEntry(broker, "report")).rejects.toMatchObject({ code: "CRON_ENTRY_NOT_FOUND" });
    const { version } = await addCronEntry(broker, minute);
    const edited = await editCronEntry(other, { id: "report", version }, { jitterSec: 5 }, { slotsBetween });

    await expect(removeCronEntry(broker, "report", { version })).rejects.toMatchObject({ code: "CRON_ENTRY_VERSION" });
    expect((await listCronEntries(broker)).entries).toEqual([edited]);
    await removeCronEntry(broker, "report", { version: edited.version });
    expect((await listCronEntries(broker)).entries).toEqual([]);
  });
});
