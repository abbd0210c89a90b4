import { InvalidArgumentError } from "commander";
import { expect, test } from "vitest";
import { durationSec, rfc3339, wholeNumber } from "./read-flag.ts";

test("a whole number within its bounds, signs and zeros included, and no other", () => {
  for (const [text, number] of [
    ["1", 1],
    ["007", 7],
    ["+30", 30],
    ["1000", 1000],
  ] as const)
    expect(wholeNumber(1, 1000)(text)).toBe(number);
  for (const text of ["0", "-1", "1001", "1.5", "1e2", "", " 1", "x"])
    expect(() => wholeNumber(1, 1000)(text)).toThrow("Expected a whole number from 1 to 1000");
  expect(() => wholeNumber(0)("-1")).toThrow("of at least 0");
});

test("a duration as Go reads one, and why not", () => {
  expect(["90s", "1h30m", "1.5s", "0", "-2s"].map(durationSec)).toEqual([90, 5400, 1.5, 0, -2]);
  expect(() => durationSec("soon")).toThrow('time: invalid duration "soon"');
  expect(() => durationSec("90")).toThrow('time: missing unit in duration "90"');
});

test("a time as Go's RFC3339 has it, and nothing else that JavaScript takes for one", () => {
  expect(rfc3339("2024-12-14T01:23:45Z").toISOString()).toBe("2024-12-14T01:23:45.000Z");
  expect(rfc3339("2024-02-29T23:59:59.123456789+05:30").toISOString()).toBe("2024-02-29T18:29:59.123Z");
  const none = [
    "2024-12-14",
    "2024-12-14T01:23Z",
    "2024-12-14 01:23:45Z",
    "2024-12-14T01:23:45",
    "2024-12-14t01:23:45z",
    "2023-02-29T00:00:00Z",
  ];
  for (const text of [
    ...none,
    "2024-13-01T00:00:00Z",
    "2024-12-14T24:00:00Z",
    "2024-12-14T00:00:60Z",
    "2024-12-14T00:00:00+24:00",
    "tomorrow",
    "",
  ])
    expect(() => rfc3339(text), text).toThrow(InvalidArgumentError);
});
