import { describe, expect, test } from "vitest";
import { defaultTimetable, isDue, isRare, tickNames } from "./timetable.ts";

describe("the timetable", () => {
  test("has a row for every tick, and gives forwarding the greatest share", () => {
    expect(Object.keys(defaultTimetable)).toEqual([...tickNames]);
    const shares = Object.values(defaultTimetable).map(({ share }) => share);
    expect(Math.max(...shares)).toBe(defaultTimetable.forward.share);
  });

  test("has a tick due when it never ran, after its time, and, for triggers that come a little early, in the last tenth of it", () => {
    const row = { everySec: 300, share: 1 };
    expect(isDue(row, 1_000, undefined)).toBe(true);
    expect([0, 269, 270, 300, 86_400].map((passed) => isDue(row, 1_000 + passed, 1_000))).toEqual([false, false, true, true, true]);
    expect(isDue({ everySec: 0, share: 1 }, 1_000, 1_000)).toBe(true);
  });

  test("has a tick due that seems to have run in the future: a clock was set back", () => {
    expect(isDue({ everySec: 300, share: 1 }, 1_000, 1_001)).toBe(true);
  });

  test("keeps in Redis what is due more seldom than triggers come", () => {
    expect(tickNames.filter((tick) => isRare(defaultTimetable[tick]))).toEqual(["janitor", "repair"]);
    expect(isRare({ everySec: 60, share: 1 })).toBe(false);
  });
});
