import fc from "fast-check";
import { expect, test } from "vitest";
import { negativeRetry, taskMessages } from "../../../../test/support/wire/golden-vectors.ts";
import { randomTaskMessage } from "../../../../test/support/wire/random-messages.ts";
import type { TaskMessage } from "../task-message.ts";
import { decodeTaskMessage } from "./decode-task-message.ts";
import { encodeTaskMessage } from "./encode-task-message.ts";
import { glanceAtTaskMessage } from "./glance-at-task-message.ts";

const fromHex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
const common: TaskMessage = {
  ...{ type: "email:send", payload: new Uint8Array([1, 255]), id: "a", queue: "low", retry: 25, retried: 3 },
  ...{ timeoutSec: 1800, deadlineSec: 9, retentionSec: 60 },
};
const glance = (bytes: Uint8Array, { id, queue } = common) => glanceAtTaskMessage(bytes, { id, queue });

test("a common message is read as `decodeTaskMessage` reads it, its payload as a view", () => {
  for (const type of ["email:send", "email:send", "image:resize"]) {
    const { bytes } = encodeTaskMessage({ ...common, type });

    const read = glance(bytes);

    expect(read).toEqual(decodeTaskMessage(bytes, "the message"));
    expect(read!.payload!.buffer).toBe(bytes.buffer);
  }
});

test("whatever it reads it reads as `decodeTaskMessage` does, of any message and of any bytes made of one", () => {
  let glanced = 0;
  const plain = randomTaskMessage.map(({ payload, retry }): TaskMessage => ({ ...common, payload, retry: Math.abs(retry) % 2 ** 28 }));
  fc.assert(
    fc.property(fc.oneof(plain, randomTaskMessage), fc.nat(), fc.nat({ max: 255 }), (message, at, byte) => {
      const { bytes } = encodeTaskMessage(message);
      const spoilt = bytes.slice();
      spoilt[at % spoilt.length] = byte;
      for (const each of [bytes, spoilt, bytes.subarray(0, at % bytes.length)]) {
        const read = glance(each, message);
        if (read === undefined) continue;
        glanced++;
        expect(read).toEqual(decodeTaskMessage(each, "the message"));
      }
    }),
    { numRuns: 3000 },
  );
  expect(glanced).toBeGreaterThan(1000);
});

test.each([
  ["a failed task", { errorMsg: "boom", lastFailedAtSec: 7 }],
  ["a task with a lock", { uniqueKey: "asynq:{low}:unique:t:1" }],
  ["a task of a group", { groupKey: "g" }],
  ["a task with headers", { headers: { a: "b" } }],
  ["a type that is not ASCII", { type: "é" }],
  ["a blank type", { type: " " }],
  ["a number from 2^28 on", { retentionSec: 2 ** 28 }],
])("%s is left to `decodeTaskMessage`", (_, changes) => {
  expect(glance(encodeTaskMessage({ ...common, ...changes }).bytes)).toBeUndefined();
});

test("a message of another id or queue than it was found under is left to `decodeTaskMessage`", () => {
  const { bytes } = encodeTaskMessage(common);

  expect(glance(bytes, { ...common, id: "b" })).toBeUndefined();
  expect(glance(bytes, { ...common, queue: "lox" })).toBeUndefined();
  expect(glance(encodeTaskMessage({ ...common, queue: "" }).bytes)).toBeUndefined();
});

test.each([
  ["a field twice", "0a0174 1a0161 22036c6f77 2805 2806"],
  ["a field it does not know", "0a0174 1a0161 22036c6f77 c03e01"],
  ["a text as a number", "0801 1a0161 22036c6f77"],
  ["a cut field", "0a0174 1a0161 22036c6f"],
  ["a cut length", "0a0174 1a0161 22036c6f77 12"],
  ["no bytes", ""],
])("%s is left to `decodeTaskMessage`", (_, text) => {
  expect(glance(fromHex(text))).toBeUndefined();
});

test("the bytes of protoc are read as `decodeTaskMessage` reads them, or left to it", () => {
  for (const { hex } of [...taskMessages, negativeRetry]) {
    const bytes = fromHex(hex);
    const read = glance(bytes, { ...common, id: "x", queue: "default" });
    if (read !== undefined) expect(read).toEqual(decodeTaskMessage(bytes, "the message"));
  }
});
