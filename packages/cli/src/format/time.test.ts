import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { dateText, timeText, unixDate } from "./time.ts";
import { namesIn } from "./time-zone.ts";

// What Go printed of so many seconds in a zone.
const printed = [
  ["UTC", 1767225600, "Thu Jan  1 00:00:00 UTC 2026", "2026-01-01 00:00:00 +0000 UTC"],
  ["UTC", 1783036805, "Fri Jul  3 00:00:05 UTC 2026", "2026-07-03 00:00:05 +0000 UTC"],
  ["Europe/Berlin", 1767225600, "Thu Jan  1 01:00:00 CET 2026", "2026-01-01 01:00:00 +0100 CET"],
  ["Europe/Berlin", 1783036805, "Fri Jul  3 02:00:05 CEST 2026", "2026-07-03 02:00:05 +0200 CEST"],
  ["America/New_York", 1767225600, "Wed Dec 31 19:00:00 EST 2025", "2025-12-31 19:00:00 -0500 EST"],
  ["America/New_York", 1783036805, "Thu Jul  2 20:00:05 EDT 2026", "2026-07-02 20:00:05 -0400 EDT"],
  ["Asia/Tokyo", 1767225600, "Thu Jan  1 09:00:00 JST 2026", "2026-01-01 09:00:00 +0900 JST"],
  ["Asia/Tokyo", 1783036805, "Fri Jul  3 09:00:05 JST 2026", "2026-07-03 09:00:05 +0900 JST"],
  ["Asia/Kolkata", 1767225600, "Thu Jan  1 05:30:00 IST 2026", "2026-01-01 05:30:00 +0530 IST"],
  ["Asia/Kolkata", 1783036805, "Fri Jul  3 05:30:05 IST 2026", "2026-07-03 05:30:05 +0530 IST"],
  ["America/Sao_Paulo", 1767225600, "Wed Dec 31 21:00:00 -03 2025", "2025-12-31 21:00:00 -0300 -03"],
  ["America/Sao_Paulo", 1783036805, "Thu Jul  2 21:00:05 -03 2026", "2026-07-02 21:00:05 -0300 -03"],
  ["Australia/Lord_Howe", 1767225600, "Thu Jan  1 11:00:00 +11 2026", "2026-01-01 11:00:00 +1100 +11"],
  ["Australia/Lord_Howe", 1783036805, "Fri Jul  3 10:30:05 +1030 2026", "2026-07-03 10:30:05 +1030 +1030"],
  ["Asia/Kathmandu", 1767225600, "Thu Jan  1 05:45:00 +0545 2026", "2026-01-01 05:45:00 +0545 +0545"],
  ["Asia/Kathmandu", 1783036805, "Fri Jul  3 05:45:05 +0545 2026", "2026-07-03 05:45:05 +0545 +0545"],
  ["Europe/Dublin", 1767225600, "Thu Jan  1 00:00:00 GMT 2026", "2026-01-01 00:00:00 +0000 GMT"],
  ["Europe/Dublin", 1783036805, "Fri Jul  3 01:00:05 IST 2026", "2026-07-03 01:00:05 +0100 IST"],
  ["Africa/Casablanca", 1767225600, "Thu Jan  1 01:00:00 +01 2026", "2026-01-01 01:00:00 +0100 +01"],
  ["Africa/Casablanca", 1783036805, "Fri Jul  3 01:00:05 +01 2026", "2026-07-03 01:00:05 +0100 +01"],
] as const;

// Some names are in the system's files alone.
test.skipIf(!existsSync("/usr/share/zoneinfo/Europe/Berlin")).each(printed)("in %s %d is as Go prints it", (zone, sec, unix, text) => {
  expect(unixDate(new Date(sec * 1000), zone)).toBe(unix);
  expect(timeText(new Date(sec * 1000), zone)).toBe(text);
});

test("a time shows of a second what is not zero, and a day is that of UTC", () => {
  expect(timeText(new Date(1767225600_120), "UTC")).toBe("2026-01-01 00:00:00.12 +0000 UTC");
  expect(dateText(new Date(1767225600_000))).toBe("2026-01-01");
});

test("a rule names what the clock shows, by the minutes east of UTC", () => {
  expect(namesIn("CET-1CEST,M3.5.0,M10.5.0/3")).toEqual(
    new Map([
      [60, "CET"],
      [120, "CEST"],
    ]),
  );
  expect(namesIn("IST-1GMT0,M10.5.0,M3.5.0/1")).toEqual(
    new Map([
      [60, "IST"],
      [0, "GMT"],
    ]),
  );
  expect(namesIn("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0")).toEqual(
    new Map([
      [630, "+1030"],
      [660, "+11"],
    ]),
  );
  expect(namesIn("<-03>3")).toEqual(new Map([[-180, "-03"]]));
  expect(namesIn("")).toEqual(new Map());
});
