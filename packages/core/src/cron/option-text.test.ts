import { describe, expect, test } from "vitest";
import type { EnqueueOptions } from "../options.ts";
import { printGoDate, readGoDate } from "./go-date.ts";
import { printGoDuration } from "./go-duration.ts";
import { quoteAsGo, readGoQuoted } from "./go-quote.ts";
import { optionTexts, readOptionTexts } from "./option-text.ts";

const options: EnqueueOptions = {
  taskId: "id",
  queue: 'l)o"w',
  maxRetry: 3,
  timeoutSec: 90.5,
  deadline: new Date(1_700_000_030_000),
  uniqueTtlSec: 3_600,
  processAt: new Date(1_772_323_445_000),
  processInSec: 0.0015,
  retentionSec: 0,
  group: "g",
  headers: { trace: "<1>\u2028\b\x01", by: "us" },
};

const texts = [
  "MaxRetry(3)",
  'Queue("l)o\\"w")',
  'TaskID("id")',
  "Timeout(1m30.5s)",
  "Deadline(Tue Nov 14 22:13:50 UTC 2023)",
  "Unique(1h0m0s)",
  "ProcessAt(Sun Mar  1 00:04:05 UTC 2026)",
  "ProcessIn(1.5ms)",
  "Retention(0s)",
  'Group("g")',
  'Header(["trace","\\u003c1\\u003e\\u2028\\b\\u0001"])',
  'Header(["by","us"])',
];

describe("the text of options", () => {
  test("is what Asynq's client says of them", () => {
    expect(optionTexts(options)).toEqual(texts);
  });

  test("is nothing for options that are not given", () => {
    expect(optionTexts({ queue: undefined })).toEqual([]);
  });

  test("is read again", () => {
    expect(readOptionTexts(texts)).toEqual(options);
  });

  test.each([
    "",
    "Queue",
    "Queue(low)",
    "Unheard(1)",
    "MaxRetry(1.5)",
    "Timeout(1)",
    "Deadline(now)",
    "Deadline(Tue Feb 30 22:13:50 UTC 2023)",
    'Header(["a"])',
    "Header([1,2])",
    "Header(",
  ])("is left out where it is %j", (text) => {
    expect(readOptionTexts([text, "MaxRetry(1)"])).toEqual({ maxRetry: 1 });
  });
});

// What Go 1.24 printed for the same values.
describe("Go's text", () => {
  test.each([
    [0, "0s"],
    [1e-9, "1ns"],
    [999e-9, "999ns"],
    [1e-6, "1µs"],
    [1.5e-6, "1.5µs"],
    [0.0015, "1.5ms"],
    [0.999_999_999, "999.999999ms"],
    [1, "1s"],
    [1.5, "1.5s"],
    [4.35, "4.35s"],
    [59.999_999_999, "59.999999999s"],
    [90.5, "1m30.5s"],
    [3_600, "1h0m0s"],
    [360_000, "100h0m0s"],
    [-5, "-5s"],
    [-0.0015, "-1.5ms"],
  ])("of the duration of %d s is %s", (sec, text) => {
    expect(printGoDuration(sec)).toBe(text);
  });

  test.each([
    [0, "Thu Jan  1 00:00:00 UTC 1970"],
    [-62_135_596_800, "Mon Jan  1 00:00:00 UTC 0001"],
    [253_402_300_799, "Fri Dec 31 23:59:59 UTC 9999"],
  ])("of the second %d is %s, and is read again", (sec, text) => {
    expect(printGoDate(new Date(sec * 1_000))).toBe(text);
    expect(readGoDate(text)?.getTime()).toBe(sec * 1_000);
  });

  test.each(['a"b\\c', "\x07\b\f\n\r\t\v\0\x7f\x1b", "é漢😀", "\u2028\u00a0\u200b\ue000\u{e0001}", "\u00ad\ufffd\ufeff\u3000"])(
    "of %j in quotes is read again",
    (text) => {
      expect(readGoQuoted(quoteAsGo(text))).toBe(text);
    },
  );

  test.each(['"\\xc3\\xa9\\351"', '"\\101\\u00e9\\U0001f600"'])("in quotes may hold bytes: %s", (literal) => {
    expect(readGoQuoted(literal)).toBe(literal.includes("xc3") ? "é\ufffd" : "Aé😀");
  });

  test.each(['"', "a", '"a', '"a"b"', '"\\q"', '"\\ud800"', '"\\U00110000"', '"\\x4"', '"\n"'])("in quotes is not %j", (text) => {
    expect(readGoQuoted(text)).toBeUndefined();
  });
});
