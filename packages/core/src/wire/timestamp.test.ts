import { expect, test } from "vitest";
import { readTimestamp, writeTimestamp } from "./timestamp.ts";

test.each([
  ["a plain number", 1_700_000_000, 1_700_000_000_000_000_007n],
  ["two halves", { low: 1_700_000_000, high: 0 }, 1_700_000_000_000_000_007n],
  ["two halves below zero", { low: -1, high: -1 }, -999_999_993n],
])("a time is read whose seconds are %s", (_, seconds, ns) => {
  expect(readTimestamp({ seconds, nanos: 7 })).toBe(ns);
});

test("a time that is left out is none, read or written", () => {
  expect([readTimestamp(null), readTimestamp(undefined), writeTimestamp("t", undefined)]).toEqual([undefined, undefined, undefined]);
});

test("a time outside of a calendar is refused by its name", () => {
  expect(() => writeTimestamp("startedAtNs", 253_402_300_800_000_000_000n)).toThrow(
    "invalid startedAtNs: expected a time of the years 1 to 9999",
  );
});
