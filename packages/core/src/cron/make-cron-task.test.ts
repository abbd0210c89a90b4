import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { type CronEntry, type CronEntryOptions, checkCronEntry } from "./cron-entry.ts";
import { makeCronTask, slotOf } from "./make-cron-task.ts";

const entry = (given: Partial<CronEntryOptions> = {}): CronEntry => ({
  ...checkCronEntry({ id: "report", spec: "@hourly", type: "report:send", queue: "q", ...given }),
  version: "v",
  sinceSec: 0,
  epoch: 1,
  from: [],
  removed: false,
});

describe("the task of a slot", () => {
  test("is named after entry and slot, and has what the entry says", ({ broker }) => {
    const task = makeCronTask(entry({ payload: "p", headers: { a: "b" }, options: { maxRetry: 2, retentionSec: 5 } }), startSec, broker);

    expect(task).toMatchObject({ state: "pending", processAtSec: undefined });
    expect(task.message).toMatchObject({
      id: `report:${startSec}`,
      queue: "q",
      type: "report:send",
      retry: 2,
      retentionSec: 5,
      headers: { a: "b" },
    });
    expect(slotOf(task.message.id)).toBe(startSec);
    expect(slotOf("report:now:1b4e28ba-2fa1-41d2-883f-0016d3cca427")).toBeUndefined();
  });

  test("is due as long after its slot as the entry says, at once where that is past", ({ broker }) => {
    const late = entry({ options: { processInSec: 60 } });
    expect(makeCronTask(late, startSec - 10, broker)).toMatchObject({ state: "scheduled", processAtSec: startSec + 50 });
    expect(makeCronTask(late, startSec - 60, broker)).toMatchObject({ state: "pending" });
  });

  test("has a jitter that is the same whoever makes it, within its bounds, and spread over them", ({ broker, other }) => {
    const spread = entry({ jitterSec: 10 });
    const late = (by: typeof broker) =>
      Array.from({ length: 500 }, (_, i) => (makeCronTask(spread, startSec + i * 60, by).processAtSec ?? startSec) - startSec - i * 60);

    expect(late(broker)).toEqual(late(other));
    expect(new Set(late(broker))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
  });
});
