import fc from "fast-check";
import protobuf from "protobufjs/minimal.js";
import { describe, expect, test } from "vitest";
import { negativeRetry, taskMessages } from "../../../../test/support/wire/golden-vectors.ts";
import { randomTaskMessage } from "../../../../test/support/wire/random-messages.ts";
import { DecodeError } from "../errors.ts";
import { decodeTaskMessage } from "./decode-task-message.ts";
import { encodeTaskMessage } from "./encode-task-message.ts";

const fromHex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
/** A task with a type and an id, and these bytes after them. */
const taskWith = (text: string): Buffer => fromHex(`0a0174 1a0161 ${text}`);
const decode = (bytes: Uint8Array) => decodeTaskMessage(bytes, "the message");

describe("decodeTaskMessage", () => {
  test.each(taskMessages)("reads the bytes of protoc: $name", ({ message, hex }) => {
    expect(decode(fromHex(hex))).toEqual(message);
  });

  test("reads back any message that was encoded", () => {
    fc.assert(
      fc.property(randomTaskMessage, (message) => {
        expect(decode(encodeTaskMessage(message).bytes)).toEqual(message);
      }),
      { numRuns: 1000 },
    );
  });

  test("reads a Buffer as it reads an array of bytes, into a payload of its own", () => {
    const buffer = fromHex(taskMessages[0]!.hex);
    const read = decode(buffer);
    expect(read).toEqual(decode(new Uint8Array(buffer)));
    expect(read.payload!.constructor).toBe(Uint8Array);
    expect(read.payload!.buffer.byteLength).toBe(read.payload!.length);
    buffer.fill(0);
    expect(new TextDecoder().decode(read.payload)).toBe('{"a":1}');
  });

  test("keeps a byte order mark in a text, short or long", () => {
    for (const errorMsg of ["\ufeffboom", `\ufeff${"long ".repeat(20)}`])
      expect(decode(encodeTaskMessage({ type: "t", id: "a", queue: "q", retry: 0, retried: 0, errorMsg }).bytes).errorMsg).toBe(errorMsg);
  });

  test("passes over fields it does not know, and over those of another wire type", () => {
    const read = decode(taskWith("2805 2a026869 c03e01 cb3e0801cc3e 3006"));
    expect(read).toMatchObject({ id: "a", type: "t", retry: 5, retried: 6 });
  });

  test("takes the last of several values, also when it is zero", () => {
    expect(decode(taskWith("1a0162 2805 2806 3001 3000 7a060a016b120176 7a060a016b120177"))).toMatchObject({
      id: "b",
      retry: 6,
      retried: 0,
      headers: { k: "w" },
    });
  });

  test("reads a header named __proto__ as a header", () => {
    const { headers } = decode(taskWith(`7a0e 0a09${Buffer.from("__proto__").toString("hex")} 120178`));
    expect(Object.getPrototypeOf(headers)).toBeNull();
    expect(Object.entries(headers!)).toEqual([["__proto__", "x"]]);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  test("reads a header entry that lacks a field, as another encoder may write it", () => {
    expect(decode(taskWith("7a030a016b 7a03120176")).headers).toEqual({ k: "", "": "v" });
  });

  test.each([8, 9, 11, 12, 13])("reads field %i up to 2^53 - 1 and refuses what is beyond, to both sides", (field) => {
    const tag = Buffer.of(field * 8).toString("hex");
    expect(Object.values(decode(taskWith(`${tag}ffffffffffffff0f`)))).toContain(Number.MAX_SAFE_INTEGER);
    expect(Object.values(decode(taskWith(`${tag}81808080808080f0ff01`)))).toContain(Number.MIN_SAFE_INTEGER);
    for (const beyond of ["8080808080808010", "8180808080808010", "ffffffffffffffff7f", "80808080808080808001", "80808080808080f0ff01"])
      expect(() => decode(taskWith(`${tag}${beyond}`))).toThrow(/^cannot decode the message: a number is beyond 2\^53 - 1$/);
  });

  describe.each([
    ["short", 1],
    ["long", 100],
  ])("text that is not UTF-8, %s", (_, length) => {
    const bad = (byte: string) => `${"61".repeat(length - 1)}${byte}`;
    const sized = (text: string) => Buffer.of(text.length / 2).toString("hex") + text;
    // Half a surrogate pair in three bytes is what a careless encoder writes.
    test.each(["ff", "c0", "e282", "eda080", "f4908080"])("%s is refused in every text field", (byte) => {
      for (const field of [1, 3, 4, 7, 10, 14])
        expect(() => decode(taskWith(`${Buffer.of(field * 8 + 2).toString("hex")}${sized(bad(byte))}`))).toThrow(
          /^cannot decode the message: a text is not UTF-8$/,
        );
      for (const entry of [`0a${sized(bad(byte))}120176`, `0a016b12${sized(bad(byte))}`])
        expect(() => decode(taskWith(`7a${sized(entry)}`))).toThrow(/^cannot decode the message: a text is not UTF-8$/);
    });
  });

  test.each([
    ["no bytes", "", "it is empty"],
    ["no id", "0a0174", "its id is blank"],
    ["a blank id", "0a0174 1a022009", "its id is blank"],
    ["no type", "1a0161", "its type is blank"],
    ["a blank type", "0a0120 1a0161", "its type is blank"],
    ["a number alone", negativeRetry.hex, "its id is blank"],
    ["a cut text", "0a0174 1a0561", "it ends inside a field"],
    ["text", Buffer.from("not a message").toString("hex"), "a field is of no known wire type"],
    [
      "a number of more than 64 bits in a field it does not know",
      "0a0174 1a0161 c03e 80808080808080808002",
      "a number has more than 64 bits",
    ],
    ["a cut header", "0a0174 1a0161 7a030a056b", "a field does not hold what it should"],
    ["field 0 in a header", "0a0174 1a0161 7a020001", "a field does not hold what it should"],
    ["groups nested beyond reason", `0a0174 1a0161 ${"c33e".repeat(200)}${"c43e".repeat(200)}`, "a field does not hold what it should"],
  ])("refuses %s", (_, text, why) => {
    expect(() => decode(fromHex(text))).toThrow(expect.objectContaining({ code: "DECODE", message: `cannot decode the message: ${why}` }));
  });

  test("refuses every cut of a message that is not at the end of a field", () => {
    const whole = fromHex(taskMessages[1]!.hex);
    const read: number[] = [];
    for (let length = 0; length < whole.length; length++) {
      try {
        decode(whole.subarray(0, length));
        read.push(length);
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
      }
    }
    expect(read).toEqual([13, 16, 18, 20, 26, 28, 34, 58, 64, 68, 74, 78]);
  });

  test("says where, and never what: no byte of the message is in the error or its cause", () => {
    const secret = "hunter2 ".repeat(10);
    const message = Buffer.concat([taskWith("12 50"), Buffer.from(secret), fromHex("3a02ff61")]);
    try {
      decodeTaskMessage(message, 'the message of task "a"');
      expect.unreachable();
    } catch (error) {
      expect((error as Error).message).toBe('cannot decode the message of task "a": a text is not UTF-8');
      expect(`${error}${(error as Error).cause}${JSON.stringify((error as Error).cause)}`).not.toMatch(/hunter2|104,117/);
    }
  });

  test("leaves what protobufjs shares between its users as it was", () => {
    expect(Object.keys(protobuf.roots)).toEqual([]);
    expect(protobuf.Reader.discardUnknown).toBe(true);
  });
});
