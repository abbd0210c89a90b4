import { expect, test } from "vitest";
import { scanFields } from "./scan-fields.ts";

test.each([
  ["0001", "a field number is out of range"],
  ["0b", "a group does not end"],
  ["0b14", "a group ends that did not begin"],
  ["0c", "a group ends that did not begin"],
  ["0e", "a field is of no known wire type"],
])("%s is refused, and why is said", (hex, why) => {
  expect(() => scanFields(Buffer.from(hex, "hex"), "a message", () => {})).toThrow(`cannot decode a message: ${why}`);
});
