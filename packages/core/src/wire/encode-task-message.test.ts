import { fileURLToPath } from "node:url";
import fc from "fast-check";
import protobuf from "protobufjs";
import { describe, expect, test } from "vitest";
import { negativeRetry, taskMessages } from "../../../../test/support/wire/golden-vectors.ts";
import { randomTaskMessage } from "../../../../test/support/wire/random-messages.ts";
import type { TaskMessage } from "../task-message.ts";
import { encodeTaskMessage } from "./encode-task-message.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const task: TaskMessage = { type: "t", id: "a", queue: "q", retry: 0, retried: 0 };
const reflected = new protobuf.Root().loadSync(fileURLToPath(new URL("asynq.proto", import.meta.url))).lookupType("asynq.TaskMessage");

/** A message as protobufjs' reflection wants it, its headers in the order of their keys. */
function asReflection({
  timeoutSec,
  deadlineSec,
  lastFailedAtSec,
  retentionSec,
  completedAtSec,
  headers,
  ...message
}: TaskMessage): object {
  const plain = {
    ...message,
    timeout: timeoutSec,
    deadline: deadlineSec,
    lastFailedAt: lastFailedAtSec,
    retention: retentionSec,
    completedAt: completedAtSec,
    headers: Object.fromEntries(
      Object.keys(headers ?? {})
        .sort()
        .map((key) => [key, headers![key]]),
    ),
  };
  return reflected.create(plain);
}

describe("encodeTaskMessage", () => {
  test.each([...taskMessages, negativeRetry])("writes the bytes of protoc: $name", ({ message, hex: expected }) => {
    expect(hex(encodeTaskMessage(message).bytes)).toBe(expected);
  });

  test("writes what protobufjs' reflection writes, byte for byte, for any message", () => {
    fc.assert(
      fc.property(randomTaskMessage, (message) => {
        // An object's keys that are whole numbers come first, whatever their place: protobufjs cannot be told another order.
        const numeric = Object.keys(message.headers ?? {}).some((key) => /^\d+$/.test(key));
        const given = numeric ? { ...message, headers: undefined } : message;
        expect(hex(encodeTaskMessage(given).bytes)).toBe(hex(reflected.encode(asReflection(given)).finish()));
      }),
      { numRuns: 1000 },
    );
  });

  test("writes text of any length, in one byte a character or three, as reflection does", () => {
    for (const character of ["x", "\u20ac"])
      for (const length of [...Array(1500).keys(), 5461, 5462, 16_383, 16_384, 700_000, 2 ** 21]) {
        const message = { ...task, errorMsg: character.repeat(length), headers: { k: character.repeat(length) } };
        expect(Buffer.compare(encodeTaskMessage(message).bytes, reflected.encode(asReflection(message)).finish())).toBe(0);
      }
  });

  test("marks the payload, and an empty stretch when there is none", () => {
    fc.assert(
      fc.property(randomTaskMessage, (message) => {
        const { bytes, textStart, textEnd } = encodeTaskMessage(message);
        expect(hex(bytes.subarray(textStart, textEnd))).toBe(hex(message.payload ?? new Uint8Array()));
        expect(textEnd - textStart).toBe(message.payload?.length ?? 0);
      }),
    );
  });

  test("writes seconds up to 2^53 - 1 exactly, to both sides", () => {
    for (const [timeoutSec, varint] of [
      [Number.MAX_SAFE_INTEGER, "ffffffffffffff0f"],
      [Number.MIN_SAFE_INTEGER, "81808080808080f0ff01"],
      [-1, "ffffffffffffffffff01"],
      [2 ** 31, "8080808008"],
    ] as const)
      expect(hex(encodeTaskMessage({ ...task, timeoutSec }).bytes)).toBe(`0a01741a016122017140${varint}`);
  });

  test("leaves out whatever is zero, empty or absent", () => {
    const zeros = { errorMsg: "", timeoutSec: 0, deadlineSec: -0, uniqueKey: "", retentionSec: undefined, groupKey: "", headers: {} };
    expect(hex(encodeTaskMessage({ ...task, ...zeros, payload: new Uint8Array() }).bytes)).toBe("0a01741a0161220171");
  });

  test("writes headers in the order of their keys, each with both fields", () => {
    const headers = { b: "2", a: "", "": "x" };
    expect(hex(encodeTaskMessage({ ...task, headers }).bytes)).toBe(
      `0a01741a0161220171${"7a050a00120178"}${"7a050a01611200"}${"7a060a0162120132"}`,
    );
  });

  test("makes text well-formed: half a surrogate pair becomes U+FFFD", () => {
    const broken = { ...task, type: "t\ud800", errorMsg: "cut \ud83d", headers: { "\udc00k": "v\ud800v" } };
    const whole = { ...task, type: "t\ufffd", errorMsg: "cut \ufffd", headers: { "\ufffdk": "v\ufffdv" } };
    expect(hex(encodeTaskMessage(broken).bytes)).toBe(hex(encodeTaskMessage(whole).bytes));
  });

  test("writes a payload of 1 MiB, and small tasks after it, which leave each other as they are", () => {
    const payload = new Uint8Array(2 ** 20).fill(0xfe);
    const large = encodeTaskMessage({ ...task, payload }).bytes;
    const small = encodeTaskMessage(task).bytes;
    const again = encodeTaskMessage({ ...task, type: "u" }).bytes;
    expect(large.length).toBe(payload.length + 13);
    expect(hex(small)).toBe("0a01741a0161220171");
    expect(hex(again)).toBe("0a01751a0161220171");
    expect(Buffer.compare(large.subarray(7, -6), payload)).toBe(0);
  });

  test.each([
    ["retry", 2 ** 31],
    ["retry", -(2 ** 31) - 1],
    ["retried", 1.5],
    ["timeoutSec", Number.NaN],
    ["deadlineSec", Number.POSITIVE_INFINITY],
    ["retentionSec", 2 ** 53],
    ["lastFailedAtSec", -(2 ** 53)],
    ["completedAtSec", "7" as unknown as number],
  ])("refuses a %s of %s, and writes the next task as if nothing had been", (name, value) => {
    expect(() => encodeTaskMessage({ ...task, [name]: value })).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", option: name, message: expect.stringContaining("expected a whole number") }),
    );
    expect(hex(encodeTaskMessage(task).bytes)).toBe("0a01741a0161220171");
  });
});
