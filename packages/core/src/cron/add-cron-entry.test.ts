import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { everySlots as slotsBetween } from "../../../../test/support/every-slots.ts";
import { schedule } from "../ticks/schedule.ts";
import { addCronEntry } from "./add-cron-entry.ts";
import { listCronEntries } from "./list-cron-entries.ts";
import { removeCronEntry } from "./remove-cron-entry.ts";

const minute = { id: "report", spec: "@every 60s", type: "report:send", queue: "q" } as const;

describe("addCronEntry", () => {
  test("stores the entry in one hash, by its version, and its claim in its queue, without an end", async ({ broker, keyspace, redis }) => {
    const entry = await addCronEntry(broker, { ...minute, payload: { to: "all" } });

    const space = await keyspace();
    expect(Object.keys(space).sort()).toEqual(["asynq:js:cron", "asynq:{q}:js:cron:report"]);
    expect(space["asynq:{q}:js:cron:report"]).toEqual({ epoch: "1", slot: String(startSec) });
    expect(await redis.ttl("asynq:{q}:js:cron:report")).toBe(-1);
    const { report } = space["asynq:js:cron"] as { report: string };
    expect(report.split("\n")[0]).toBe(entry.version);
    expect(JSON.parse(report.split("\n")[1]!)).toMatchObject({
      id: "report",
      spec: "@every 60s",
      queue: "q",
      epoch: 1,
      sinceSec: startSec,
    });
    expect(await listCronEntries(broker)).toEqual({ entries: [entry], unreadable: [] });
  });

  test("refuses an id that is there, whoever comes first, and leaves it as it is", async ({ broker, other }) => {
    const results = await Promise.allSettled([broker, other, broker].map((each) => addCronEntry(each, minute)));

    const refused = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    expect(refused).toEqual(
      [1, 2].map(() => expect.objectContaining({ code: "CRON_ENTRY_EXISTS", message: 'cron entry exists: id="report"' })),
    );
    const { entries } = await listCronEntries(broker);
    expect(entries).toEqual(results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : [])));
  });

  test("refuses what cannot be used before it asks Redis", async ({ broker, port }) => {
    await expect(addCronEntry(broker, { ...minute, spec: "never" })).rejects.toMatchObject({ code: "CRON_SPEC" });
    await expect(addCronEntry(broker, { ...minute, jitterSec: -1 })).rejects.toMatchObject({ option: "jitterSec" });
    expect(port.sent).toEqual([]);
  });

  test("an entry that comes again after it was removed fires what is due from then on, and its earlier life nothing", async ({
    broker,
    other,
    clock,
    redis,
  }) => {
    const earlier = await addCronEntry(broker, minute);
    await removeCronEntry(broker, "report");
    expect(await redis.ttl("asynq:{q}:js:cron:report")).toBeCloseTo(90 * 24 * 3600, -2);
    await clock.advance(600_000);
    const again = await addCronEntry(broker, minute);

    expect(again.epoch).toBeGreaterThan(earlier.epoch);
    expect(await redis.ttl("asynq:{q}:js:cron:report")).toBe(-1);
    expect(await schedule(broker, { slotsBetween })).toMatchObject({ fired: 0, lost: 0 });
    await clock.advance(60_000);
    expect(await schedule(other, { slotsBetween, entries: [earlier] })).toMatchObject({ fired: 0, lost: 0 });
    expect(await schedule(broker, { slotsBetween })).toMatchObject({ fired: 1 });
  });
});
