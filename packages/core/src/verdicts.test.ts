import { expect, test } from "vitest";
import { decodeText, decodeVerdicts, splitAt, unexpected } from "./verdicts.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = decodeVerdicts({ d: "done", l: "lease-lost" });

test("a reply of one letter per item is read into words", () => {
  expect(decode(bytes("dld"), 3)).toEqual(["done", "lease-lost", "done"]);
  expect(decode(bytes(""), 0)).toEqual([]);
});

test.each([
  ["a letter too few", bytes("d"), 2],
  ["a letter too many", bytes("ddd"), 2],
  ["a letter that is not in the table", bytes("dx"), 2],
  ["no text", null, 0],
  ["a number", 2, 2],
])("%s is no answer", (_, reply, items) => {
  expect(() => decode(reply, items)).toThrow("cannot decode the reply of a script: it is not what this version of the script answers");
});

test("a text is read whole, a byte order mark included", () => {
  expect(decodeText(bytes("\ufeffä"))).toBe("\ufeffä");
  expect(() => decodeText(5)).toThrow("not what this version");
  expect(unexpected).toThrow(expect.objectContaining({ code: "DECODE" }));
});

test("a reply is split where its mark stands first", () => {
  expect(splitAt(",", bytes("ss,0,1"))).toEqual([bytes("ss"), bytes("0,1")]);
  expect(splitAt(";", bytes(";"))).toEqual([bytes(""), bytes("")]);
  expect(() => splitAt(";", bytes("ss,0"))).toThrow("not what this version");
  expect(() => splitAt(";", null)).toThrow("not what this version");
});
