import { CronSpecError } from "@asynqjs/core/errors";
import { describe, expect, test } from "vitest";
import { slotsBetween } from "./slots-between.ts";

const at = (iso: string): number => Date.parse(iso) / 1000;

/** The slots after one time and up to another, as UTC. */
function slots(spec: string, timeZone: string, [after, until]: readonly [string, string], most = 1_000): string[] {
  const found = slotsBetween({ spec, timeZone, anchorSec: at(after) }, at(after), at(until), most);
  return found.map((sec) => new Date(sec * 1000).toISOString().slice(0, sec % 60 === 0 ? 16 : 19));
}

// In Berlin clocks went from 2:00 to 3:00 on 29 March 2026, and from 3:00 back to 2:00 on 25 October.
const spring = ["2026-03-27T23:00Z", "2026-03-30T12:00Z"] as const;
const autumn = ["2026-10-24T12:00Z", "2026-10-25T23:00Z"] as const;

describe("slots", () => {
  test("are those after the first second and up to the last, and no more than were asked for", () => {
    expect(slots("*/20 * * * *", "UTC", ["2026-01-01T00:00Z", "2026-01-01T01:00Z"])).toEqual([
      "2026-01-01T00:20",
      "2026-01-01T00:40",
      "2026-01-01T01:00",
    ]);
    expect(slots("* * * * *", "UTC", ["2026-01-01T00:00Z", "2027-01-01T00:00Z"], 1)).toEqual(["2026-01-01T00:01"]);
    expect(slots("* * * * *", "UTC", ["2026-01-01T00:00Z", "2026-01-01T00:00:59Z"])).toEqual([]);
  });

  test("have seconds where the spec has six fields", () => {
    expect(slots("*/30 59 23 31 12 *", "UTC", ["2026-01-01T00:00Z", "2027-01-01T00:00Z"])).toEqual([
      "2026-12-31T23:59",
      "2026-12-31T23:59:30",
    ]);
  });

  test("of @every are whole multiples after its anchor", () => {
    const times = { spec: "@every 7m", timeZone: "UTC", anchorSec: 1_000 };
    expect(slotsBetween(times, 0, 2_260, 9)).toEqual([1_420, 1_840, 2_260]);
    expect(slotsBetween(times, 1_419, 1_840, 9)).toEqual([1_420, 1_840]);
    expect(slotsBetween(times, 1_420, 1_840, 1)).toEqual([1_840]);
    expect(slotsBetween(times, 1_420, 1_839, 9)).toEqual([]);
  });

  test("of a time that the clocks skip do not come", () => {
    expect(slots("30 2 * * *", "Europe/Berlin", spring)).toEqual(["2026-03-28T01:30", "2026-03-30T00:30"]);
    expect(slots("0 3 * * *", "Europe/Berlin", spring)).toEqual(["2026-03-28T02:00", "2026-03-29T01:00", "2026-03-30T01:00"]);
  });

  test("of a time that the clocks repeat come twice", () => {
    expect(slots("30 2 * * *", "Europe/Berlin", autumn)).toEqual(["2026-10-25T00:30", "2026-10-25T01:30"]);
    expect(slots("0 1 * * *", "Europe/Berlin", autumn)).toEqual(["2026-10-24T23:00"]);
  });

  test("come each interval of the clock whatever the clocks do", () => {
    const days = 86_400 * 1_000;
    for (const [from] of [spring, autumn]) {
      const until = new Date(Date.parse(from) + 3 * days).toISOString();
      expect(slots("*/15 * * * *", "Europe/Berlin", [from, until])).toHaveLength((3 * 86_400) / 900);
    }
  });

  test("fall on days that match both fields where one is open, and either where none is", () => {
    const july = ["2026-07-01T00:00Z", "2026-07-31T00:00Z"] as const;
    expect(slots("0 12 13 * *", "UTC", july)).toEqual(["2026-07-13T12:00"]);
    expect(slots("0 12 13 * ?", "UTC", july)).toEqual(["2026-07-13T12:00"]);
    expect(slots("0 12 * * fri", "UTC", july).map((slot) => slot.slice(8, 10))).toEqual(["03", "10", "17", "24"]);
    expect(slots("0 12 13 * fri", "UTC", july).map((slot) => slot.slice(8, 10))).toEqual(["03", "10", "13", "17", "24"]);
  });

  test("years away are found, up to five", () => {
    const noon = ["2026-01-01T00:00Z", "2033-01-01T00:00Z"] as const;
    expect(slots("0 0 29 2 *", "America/New_York", noon)).toEqual(["2028-02-29T05:00", "2032-02-29T05:00"]);
    expect(slots("0 0 29 2 *", "UTC", ["2096-03-01T00:00Z", "2200-01-01T00:00Z"])).toEqual([]);
  });

  test.each(["0 0 30 2 *", ", * * * *", "0 , * * *", "0 0 , * *", "0 0 * , *", "0 0 * * ,"])("of %s never come", (spec) => {
    expect(slots(spec, "Europe/Berlin", ["2026-01-01T00:00Z", "2040-01-01T00:00Z"])).toEqual([]);
  });

  test("are those of the zone that the spec names, else of the entry's", () => {
    const day = ["2026-01-01T00:00Z", "2026-01-02T00:00Z"] as const;
    expect(slots("0 12 * * *", "Asia/Kathmandu", day)).toEqual(["2026-01-01T06:15"]);
    expect(slots("TZ=America/New_York 0 12 * * *", "Asia/Kathmandu", day)).toEqual(["2026-01-01T17:00"]);
  });

  // As robfig does, which goes hour by hour there: the interop suite asks Go itself.
  test("where clocks go back by half an hour pass over the whole hour behind it", () => {
    const autumnOfLordHowe = ["2026-04-03T15:00Z", "2026-04-05T15:00Z"] as const;
    expect(slots("0 2 * * *", "Australia/Lord_Howe", autumnOfLordHowe)).toEqual([]);
    expect(slots("30 2 * * *", "Australia/Lord_Howe", autumnOfLordHowe)).toEqual(["2026-04-03T15:30", "2026-04-04T16:00"]);
  });

  test("go on behind a day that a zone left out", () => {
    expect(slots("0 12 30,31 12 *", "Pacific/Apia", ["2011-12-01T00:00Z", "2012-01-31T00:00Z"])).toEqual(["2011-12-30T22:00"]);
  });

  test("of each second of a day are found in much less than a second", () => {
    const startMs = performance.now();
    const found = slots("* * * * * *", "Europe/Berlin", ["2026-03-28T12:00Z", "2026-03-29T12:00Z"], 100_000);
    expect(found).toHaveLength(86_400);
    expect(performance.now() - startMs).toBeLessThan(5_000);
  });

  test("of what cannot be read are an error", () => {
    expect(() => slots("* * * *", "UTC", spring)).toThrow(CronSpecError);
  });
});
