import { expect, test } from "vitest";
import { dashText, printableText } from "./bytes.ts";

// Bytes in hex; whether Asynq's CLI prints them, and whether its dashboard does.
test.each([
  ["68656c6c6f", true, true],
  ["", false, false],
  ["20", false, false],
  ["202020", false, false],
  ["612062", true, true],
  ["610962", false, false],
  ["610a62", false, false],
  ["c2a0", false, false],
  ["78c2a0", false, true],
  ["e38080", false, false],
  ["e697a5e69cac20f09f918df09f8fbd", true, true],
  ["efbbbf78", false, false],
  ["65cc81", true, true],
  ["cc81", true, true],
  ["ff", false, false],
  ["e2808b", false, false],
  ["ee8080", false, false],
  ["c2ad", false, false],
  ["e280a8", false, false],
] as const)("%s is text in the CLI: %s, in the dashboard: %s", (hex, isPrintable, isGraphic) => {
  const bytes = Buffer.from(hex, "hex");
  expect(printableText(bytes)).toBe(isPrintable ? bytes.toString() : "non-printable bytes");
  expect(dashText(bytes)).toBe(isGraphic ? bytes.toString() : "<non-printable>");
});

test("what is not there is empty in the CLI, and said in the dashboard", () => {
  expect(printableText(undefined)).toBe("non-printable bytes");
  expect(dashText(undefined)).toBe("<nil>");
});
