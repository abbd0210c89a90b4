import { describe, expect, test } from "vitest";
import { FieldWriter, maxInt32, maxInt64 } from "./field-writer.ts";

describe("a field writer", () => {
  test("shares no room with another at work", () => {
    new FieldWriter(8).finish();
    const [one, two] = [new FieldWriter(8), new FieldWriter(8)];
    one.text(1, "one");
    two.text(1, "two");
    one.text(2, "more");

    expect(Buffer.from(one.finish()).toString("latin1")).toBe("\n\u0003one\u0012\u0004more");
    expect(Buffer.from(two.finish()).toString("latin1")).toBe("\n\u0003two");
  });

  test("makes room as it writes, also where there was none", () => {
    // Who begins takes the room that the one before left.
    new FieldWriter(0);
    const writer = new FieldWriter(0);
    writer.integer(1, 2 ** 40, "n");
    writer.text(2, "x".repeat(100));

    expect(Buffer.from(writer.finish()).toString("hex")).toBe(`088080808080201264${"78".repeat(100)}`);
  });

  test.each([
    [127, "087f"],
    [128, "088001"],
    [16_383, "08ff7f"],
    [16_384, "08808001"],
    [maxInt64, "08ffffffffffffff0f"],
    [-1, "08ffffffffffffffffff01"],
    [0, ""],
    [undefined, ""],
  ])("writes %s in as few bytes as it takes", (value, hex) => {
    const writer = new FieldWriter(8);
    writer.integer(1, value, "n");
    expect(Buffer.from(writer.finish()).toString("hex")).toBe(hex);
  });

  test.each([
    [2 ** 31, maxInt32, "invalid retry: expected a whole number of at most 2147483647"],
    [-(2 ** 31) - 1, maxInt32, "invalid retry: expected a whole number of at most 2147483647"],
    [2 ** 53, maxInt64, "invalid retry: expected a whole number of at most 9007199254740991"],
    [0.5, maxInt64, "invalid retry: expected a whole number of at most 9007199254740991"],
  ])("refuses %s where at most %s fits", (value, most, why) => {
    expect(() => new FieldWriter(8).integer(5, value, "retry", most)).toThrow(why);
  });
});
