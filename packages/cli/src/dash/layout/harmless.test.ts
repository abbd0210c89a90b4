import { expect, test } from "vitest";
import { harmless } from "./harmless.ts";

test.for([
  ["\x1b[2J\x1b]0;title\x07", "\\e[2J\\e]0;title\\x07"],
  ["two\r\nlines\tand a tab", "two\\r\\nlines\\tand a tab"],
  ["\u009b31mred", "\\x9b31mred"],
  ["abc\u202ecba\u2066x\u200b", "abc\\u202ecba\\u2066x\\u200b"],
  ["\u2028\u2029\ufeff", "\\u2028\\u2029\\ufeff"],
  ["half \ud83d of a pair", "half \\ud83d of a pair"],
  ["\u{e0041}", "\\u{e0041}"],
  ["plain, ü 漢字 👍 e\u0301", "plain, ü 漢字 👍 e\u0301"],
] as const)("%j is shown, and does nothing: %j", ([text, shown]) => {
  expect(harmless(text)).toBe(shown);
});

test("of a text without end no more is looked at than a screen can hold", () => {
  expect(harmless("\x00".repeat(10_000_000)).length).toBe(4 * 65_536);
});
