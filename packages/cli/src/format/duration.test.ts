import { expect, test } from "vitest";
import { roundedDuration } from "./duration.ts";

// What Go printed for a duration of so many milliseconds, rounded to seconds.
test.each([
  [0, "0s"],
  [499.999999, "0s"],
  [500, "1s"],
  [-499.999999, "0s"],
  [-500, "-1s"],
  [-1500, "-2s"],
  [59499, "59s"],
  [59500, "1m0s"],
  [60000, "1m0s"],
  [3599500, "1h0m0s"],
  [3600000, "1h0m0s"],
  [360000123, "100h0m0s"],
  [9223372036854.775, "2562047h47m16.854775807s"],
  [-9223372036854.775, "-2562047h47m16.854775808s"],
] as const)("%f ms are %s", (ms, text) => {
  expect(roundedDuration(ms)).toBe(text);
});
