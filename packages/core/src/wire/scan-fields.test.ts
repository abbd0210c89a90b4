import { expect, test } from "vitest";
import { scanFields } from "./scan-fields.ts";

test("the largest field number is one", () => {
  const seen: number[] = [];
  scanFields(Buffer.from("f8ffffff0f00", "hex"), "a message", (field) => seen.push(field));
  expect(seen).toEqual([2 ** 29 - 1]);
});

test.each([
  ["0001", "a field number is out of range"],
  ["808080801000", "a field number is out of range"],
  ["0b", "a group does not end"],
  ["0b14", "a group ends that did not begin"],
  ["0c", "a group ends that did not begin"],
  ["0e", "a field is of no known wire type"],
])("%s is refused, and why is said", (hex, why) => {
  expect(() => scanFields(Buffer.from(hex, "hex"), "a message", () => {})).toThrow(`cannot decode a message: ${why}`);
});
