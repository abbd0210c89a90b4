import { expect, test } from "vitest";
import { quoteAsGo, quoteAsGoTime } from "./go-quote.ts";

test("what Go prints stays as it is, and the rest is escaped as strconv.Quote does", () => {
  expect(quoteAsGo('a\u00e9\u4e16\u{1f600} "\\')).toBe('"a\u00e9\u4e16\u{1f600} \\"\\\\"');
  expect(quoteAsGo("\x07\b\f\n\r\t\v\x00\x7f\u00a0\u200b\u{e0001}\ud800")).toBe(
    '"\\a\\b\\f\\n\\r\\t\\v\\x00\\x7f\\u00a0\\u200b\\U000e0001\ufffd"',
  );
});

test("package time shows all but printable ASCII as bytes", () => {
  expect(quoteAsGoTime('a "\\\x7f\n\u00e9')).toBe('"a \\"\\\\\x7f\\x0a\\xc3\\xa9"');
});
