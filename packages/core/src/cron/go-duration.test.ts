import { expect, test } from "vitest";
import { readGoDuration } from "./go-duration.ts";

test.each([
  ["0", 0n],
  ["-0", 0n],
  ["1h15m30.918s", 4_530_918_000_000n],
  ["+5s", 5_000_000_000n],
  ["-2m3.4s", -123_400_000_000n],
  [".5h", 1_800_000_000_000n],
  ["1.s", 1_000_000_000n],
  ["1ns2us3\u00b5s4\u03bcs5ms", 5_009_001n],
  ["0.3333333333333333333h", 1_200_000_000_000n],
  ["9223372036854775807ns", 9_223_372_036_854_775_807n],
  ["-9223372036854775808ns", -9_223_372_036_854_775_808n],
  ["0.100000000000000000000h", 360_000_000_000n],
  ["9223372036854775808ns9223372036854775808ns", 0n],
])("%s is as long as for Go", (text, ns) => {
  expect(readGoDuration(text)).toEqual({ ns });
});

test.each([
  ["", 'time: invalid duration ""'],
  ["-", 'time: invalid duration "-"'],
  ["3", 'time: missing unit in duration "3"'],
  [".s", 'time: invalid duration ".s"'],
  ["1d", 'time: unknown unit "d" in duration "1d"'],
  ["1h 2m", 'time: unknown unit "h " in duration "1h 2m"'],
  ["s", 'time: invalid duration "s"'],
  ["1\u00e9\n", 'time: unknown unit "\\xc3\\xa9\\x0a" in duration "1\\xc3\\xa9\\x0a"'],
  ['1"', 'time: unknown unit "\\"" in duration "1\\""'],
  ["9223372036854775808ns", 'time: invalid duration "9223372036854775808ns"'],
  ["9223372036854775809", 'time: invalid duration "9223372036854775809"'],
  ["3000000h", 'time: invalid duration "3000000h"'],
])("%s is refused in Go's words", (text, why) => {
  expect(readGoDuration(text)).toEqual({ why });
});
