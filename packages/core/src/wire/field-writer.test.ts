import { describe, expect, test } from "vitest";
import {
  beginMessage,
  endMessage,
  maxInt32,
  maxInt64,
  writeEntry,
  writeInteger,
  writeRaw,
  writeText,
  writtenBytes,
} from "./field-writer.ts";

/** The bytes of a message that may take `capacity`. */
function written(write: () => void, capacity = 8): Uint8Array {
  beginMessage(capacity);
  write();
  return endMessage();
}
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("a field writer", () => {
  test("leaves what it wrote as it is, whatever is written after it, also after one that was given up", () => {
    const messages: Uint8Array[] = [];
    const sizes = [0, 1, 100, 16_000, 16_384, 40_000, 3];
    for (let round = 0; round < 20; round++)
      for (const size of sizes) {
        messages.push(written(() => writeRaw(new Uint8Array(size).fill(messages.length)), size));
        beginMessage(200);
        writeRaw(new Uint8Array(200).fill(255));
      }

    expect(messages.map(({ length }) => length)).toEqual(Array.from({ length: 20 }, () => sizes).flat());
    for (const [i, message] of messages.entries()) expect(message.every((byte) => byte === i)).toBe(true);
  });

  test("puts short messages one behind the other, and keeps no room that only a long one could use", () => {
    const [one, two, long, three] = [10, 10, 100_000, 10].map((size) => written(() => writeRaw(new Uint8Array(size)), size));

    expect(two!.buffer).toBe(one!.buffer);
    expect(two!.byteOffset).toBe(one!.byteOffset + 10);
    expect(long!.buffer.byteLength).toBe(100_000);
    expect(three!.buffer).not.toBe(long!.buffer);
  });

  test("makes room as it writes, and says how much is written", () => {
    const message = written(() => {
      expect(writtenBytes()).toBe(0);
      writeInteger(1, 2 ** 40, "n");
      expect(writtenBytes()).toBe(7);
      writeText(2, "x".repeat(100_000));
    }, 0);

    expect(hexOf(message)).toBe(`0880808080802012a08d06${"78".repeat(100_000)}`);
  });

  test("keeps what it began wherever the room ends: a text, one that is not ASCII, an entry of a map", () => {
    // Each room is filled anew with messages of another length, so that a field is moved at each of its bytes.
    for (let length = 300; length < 400; length++)
      for (let nth = 0; nth < 60; nth++) {
        const filling = "x".repeat(length);
        const message = written(() => {
          writeText(1, filling);
          writeText(2, "y".repeat(40));
          writeText(3, "é".repeat(20));
          writeEntry(4, "key", "v".repeat(40));
        });
        const expected = `${filling}\x12\x28${"y".repeat(40)}\x1a\x28${"é".repeat(20)}\x22\x2f\x0a\x03key\x12\x28${"v".repeat(40)}`;
        expect(Buffer.from(message).toString().slice(3)).toBe(expected);
      }
  });

  test("writes text as UTF-8, and no text not at all", () => {
    expect(hexOf(written(() => writeText(1, "aé\ud83d")))).toBe("0a0661c3a9efbfbd");
    expect(hexOf(written(() => writeText(1, "")))).toBe("");
    expect(hexOf(written(() => writeText(1, undefined)))).toBe("");
  });

  test("writes an entry of a map with both its fields, also when they are empty", () => {
    expect(hexOf(written(() => writeEntry(15, "a", "")))).toBe("7a050a01611200");
    expect(hexOf(written(() => writeEntry(15, "", "b".repeat(200))))).toBe(`7acd010a0012c801${"62".repeat(200)}`);
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
    expect(hexOf(written(() => writeInteger(1, value, "n")))).toBe(hex);
  });

  test.each([
    [2 ** 31, maxInt32, "invalid retry: expected a whole number of at most 2147483647"],
    [-(2 ** 31) - 1, maxInt32, "invalid retry: expected a whole number of at most 2147483647"],
    [2 ** 53, maxInt64, "invalid retry: expected a whole number of at most 9007199254740991"],
    [0.5, maxInt64, "invalid retry: expected a whole number of at most 9007199254740991"],
  ])("refuses %s where at most %s fits", (value, most, why) => {
    expect(() => writeInteger(5, value, "retry", most)).toThrow(why);
  });
});
