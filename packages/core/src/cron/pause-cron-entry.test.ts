import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { everySlots as slotsBetween } from "../../../../test/support/every-slots.ts";
import { schedule } from "../ticks/schedule.ts";
import { addCronEntry } from "./add-cron-entry.ts";
import { editCronEntry } from "./edit-cron-entry.ts";
import { pauseCronEntry, resumeCronEntry } from "./pause-cron-entry.ts";

const minute = { id: "report", spec: "@every 60s", type: "report:send", queue: "q", catchUp: "all" } as const;
const quiet = { slotsBetween, told: false } as const;
const first = Math.ceil(startSec / 60) * 60;

describe("a paused entry", () => {
  test("fires what was due before, then nothing, and none of it later", async ({ broker, clock, redis }) => {
    await addCronEntry(broker, minute);
    await clock.advance((first + 30 - startSec) * 1000);

    expect(await pauseCronEntry(broker, "report", { slotsBetween })).toMatchObject({ paused: true });
    expect(await redis.lrange("asynq:{q}:pending", 0, -1)).toEqual([`report:${first}`]);
    await clock.advance(300_000);
    expect(await schedule(broker, quiet)).toMatchObject({ fired: 0, skipped: 0, nextSec: undefined });

    expect(await resumeCronEntry(broker, "report")).toMatchObject({ paused: false, sinceSec: first + 330 });
    expect(await schedule(broker, quiet)).toMatchObject({ fired: 0, skipped: 0, nextSec: first + 360 });
    await clock.advance(60_000);
    expect(await schedule(broker, quiet)).toMatchObject({ fired: 1 });
  });

  test("is paused and resumed as often as one likes, whatever else is changed meanwhile", async ({ broker, other }) => {
    const entry = await addCronEntry(broker, minute);
    const results = await Promise.allSettled([
      ...[broker, other, broker].map((each) => pauseCronEntry(each, "report", { slotsBetween })),
      editCronEntry(other, entry, { jitterSec: 5 }, { slotsBetween }),
    ]);

    expect(results.slice(0, 3).map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "fulfilled"]);
    expect(await resumeCronEntry(broker, "report")).toMatchObject({ paused: false });
    expect(await resumeCronEntry(broker, "report")).toMatchObject({ paused: false });
    await expect(pauseCronEntry(broker, "nobody", { slotsBetween })).rejects.toMatchObject({ code: "CRON_ENTRY_NOT_FOUND" });
  });
});
