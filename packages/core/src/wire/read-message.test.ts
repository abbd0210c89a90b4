import { expect, test } from "vitest";
import { exactNumber } from "./read-message.ts";

test.each([
  ["a plain number", 5, 5],
  ["two halves", { low: -1, high: 1 }, 2 ** 33 - 1],
  ["two halves below zero", { low: -2, high: -1 }, -2],
  ["the largest that is exact", { low: -1, high: 2 ** 21 - 1 }, Number.MAX_SAFE_INTEGER],
])("a 64-bit value is read as a number from %s", (_, value, number) => {
  expect(exactNumber(value, "a task")).toBe(number);
});

test.each([2 ** 53, { low: 0, high: 2 ** 21 }])("a 64-bit value that is not exact is refused: %j", (value) => {
  expect(() => exactNumber(value, "a task")).toThrow("cannot decode a task: a number is beyond 2^53 - 1");
});
