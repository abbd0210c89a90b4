import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { taskMessages } from "../../../../test/support/wire/golden-vectors.ts";
import { randomChanges, randomTaskMessage } from "../../../../test/support/wire/random-messages.ts";
import { splitFields } from "../../../../test/support/wire/split-fields.ts";
import { DecodeError } from "../errors.ts";
import type { TaskMessageChanges } from "../task-message.ts";
import { decodeTaskMessage } from "./decode-task-message.ts";
import { encodeTaskMessage } from "./encode-task-message.ts";
import { patchTaskMessage } from "./patch-task-message.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const fromHex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
const fieldOf = { payload: 2, retried: 6, errorMsg: 7, uniqueKey: 10, lastFailedAtSec: 11, completedAtSec: 13 } as const;

/** One field as any encoder of protobuf may write it: a varint in more bytes than it takes, a group, a 64-bit number. */
const anyVarint = fc.oneof(
  fc.bigInt(0n, 2n ** 64n - 1n).map((value) => varint(value)),
  fc.constantFrom(2n ** 63n, 2n ** 63n - 1n, 2n ** 64n - 1n, 0n, 1n).map((value) => varint(value)),
  fc.tuple(fc.bigInt(0n, 2n ** 56n), fc.integer({ min: 1, max: 10 })).map(([value, length]) => varint(value, length)),
);
const anyField = fc
  .tuple(
    fc.oneof(fc.integer({ min: 1, max: 16 }), fc.constantFrom(6, 7, 11, 13, 2), fc.integer({ min: 1, max: 2 ** 29 - 1 })),
    fc.constantFrom(0, 1, 2, 2, 3, 5),
    anyVarint,
    fc.uint8Array({ maxLength: 200 }),
    fc.integer({ min: 1, max: 6 }),
  )
  .map(([field, wireType, number, bytes, tagLength]) => {
    const tag = (type: number) => varint(BigInt(field * 8 + type), tagLength);
    const inner = [varint(8n), number, varint(19n), varint(20n), varint(18n), varint(BigInt(bytes.length)), Buffer.from(bytes)];
    const value = {
      0: [number],
      1: [Buffer.alloc(8, Buffer.concat([bytes, Buffer.of(1)]))],
      2: [varint(BigInt(bytes.length), tagLength), Buffer.from(bytes)],
      3: [...inner, tag(4)],
      5: [Buffer.alloc(4, Buffer.concat([bytes, Buffer.of(1)]))],
    }[wireType]!;
    return Buffer.concat([tag(wireType), ...value]);
  });
const anyMessage = fc.array(anyField, { maxLength: 20 }).map((fields) => Buffer.concat(fields));
const anyChanges: fc.Arbitrary<TaskMessageChanges> = randomChanges.chain((changes) =>
  fc.subarray(Object.entries(changes)).map(Object.fromEntries),
);

function varint(value: bigint, atLeast = 1): Buffer {
  const bytes: number[] = [];
  for (let rest = value; rest > 0n || bytes.length < atLeast; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes[bytes.length - 1]! &= 127;
  return Buffer.from(bytes);
}

describe("patchTaskMessage", () => {
  test("changes what is asked and nothing else in a task with every field", () => {
    const patched = patchTaskMessage(fromHex(taskMessages[1]!.hex), { retried: 3, errorMsg: "again", completedAtSec: undefined });

    expect(hex(patched.bytes)).toBe(
      hex(encodeTaskMessage({ ...taskMessages[1]!.message, retried: 3, errorMsg: "again", completedAtSec: undefined }).bytes),
    );
    expect(hex(patched.bytes.subarray(patched.textStart, patched.textEnd))).toBe("00ff80");
  });

  test("leaves every byte of any message when nothing changes", () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        expect(hex(patchTaskMessage(message, {}).bytes)).toBe(hex(message));
      }),
      { numRuns: 1000 },
    );
  });

  test("keeps every field it does not change, in its order and byte for byte, and writes each new value once", () => {
    fc.assert(
      fc.property(anyMessage, anyChanges, (message, changes) => {
        const names = Object.keys(changes) as (keyof TaskMessageChanges)[];
        const isChanged = ({ field }: { field: number }) => names.some((name) => fieldOf[name] === field);
        const after = splitFields(patchTaskMessage(message, changes).bytes);

        expect(after.filter((field) => !isChanged(field)).map(({ raw }) => hex(raw))).toEqual(
          splitFields(message)
            .filter((field) => !isChanged(field))
            .map(({ raw }) => hex(raw)),
        );
        // A message with one of the changes alone is that field as our encoder writes it, which others vouch for.
        const written = names
          .map((name) => encodeTaskMessage({ type: "", id: "", queue: "", retry: 0, retried: 0, [name]: changes[name] }).bytes)
          .map(hex)
          .filter((bytes) => bytes !== "");
        expect(
          after
            .filter(isChanged)
            .map(({ raw }) => hex(raw))
            .sort(),
        ).toEqual(written.sort());
      }),
      { numRuns: 1000 },
    );
  });

  test("puts new values in the order of field numbers", () => {
    fc.assert(
      fc.property(fc.array(anyField, { maxLength: 20 }), anyChanges, (fields, changes) => {
        const sorted = Buffer.concat(fields.sort((a, b) => splitFields(a)[0]!.field - splitFields(b)[0]!.field));
        const numbers = splitFields(patchTaskMessage(sorted, changes).bytes).map(({ field }) => field);
        expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
      }),
    );
  });

  test("marks the last payload, wherever the changes moved it", () => {
    fc.assert(
      fc.property(anyMessage, anyChanges, (message, changes) => {
        const { bytes, textStart, textEnd } = patchTaskMessage(message, changes);
        if ("payload" in changes) {
          expect(hex(bytes.subarray(textStart, textEnd))).toBe(hex(changes.payload ?? new Uint8Array()));
          return;
        }
        const payload = splitFields(message).findLast(({ field, wireType }) => field === 2 && wireType === 2);
        expect(hex(bytes.subarray(textStart, textEnd))).toBe(hex(payload?.value ?? new Uint8Array()));
        if (payload) expect(hex(bytes.subarray(0, textEnd)).endsWith(hex(payload.raw))).toBe(true);
        else expect([textStart, textEnd]).toEqual([0, 0]);
      }),
      { numRuns: 500 },
    );
  });

  test("writes for a new task what encoding the changed task writes", () => {
    fc.assert(
      fc.property(randomTaskMessage, randomChanges, (message, changes) => {
        const { bytes, textStart, textEnd } = patchTaskMessage(encodeTaskMessage(message).bytes, changes);
        const encoded = encodeTaskMessage({ ...message, ...changes });
        expect(hex(bytes)).toBe(hex(encoded.bytes));
        if (message.payload) expect([textStart, textEnd]).toEqual([encoded.textStart, encoded.textEnd]);
      }),
    );
  });

  test("drops each of several values of a field, also one of a wrong wire type", () => {
    const message = fromHex("0a0174 3001 1a0161 3002 32026869 3003");
    expect(hex(patchTaskMessage(message, { retried: 9 }).bytes)).toBe("0a01741a01613009");
  });

  test("takes a field out when its new value is absent, zero or empty", () => {
    const message = fromHex("0a0174 3001 3a0178 5801 6801");
    const changes = { retried: 0, errorMsg: "", lastFailedAtSec: undefined, completedAtSec: 0 };
    expect(hex(patchTaskMessage(message, changes).bytes)).toBe("0a0174");
  });

  test.each([
    [{ retried: 2 ** 31 }, "invalid retried: expected a whole number of at most 2147483647"],
    [{ lastFailedAtSec: 2 ** 53 }, "invalid lastFailedAtSec: expected a whole number of at most 9007199254740991"],
  ])("refuses %j, which its field does not hold", (changes, why) => {
    expect(() => patchTaskMessage(fromHex(taskMessages[1]!.hex), changes)).toThrow(why);
  });

  test("says that it was a task message that it could not read", () => {
    expect(() => patchTaskMessage(fromHex("0a05"), {})).toThrow("cannot decode a task message: it ends inside a field");
  });

  test("does not alter the bytes it was given", () => {
    const message = fromHex(taskMessages[1]!.hex);
    patchTaskMessage(message, { retried: 77, errorMsg: "x" });
    expect(hex(message)).toBe(taskMessages[1]!.hex);
  });

  test.each([
    ["cut in a tag", "80"],
    ["cut before a value", "30"],
    ["cut in a number", "3080"],
    ["cut in a length", "0a80"],
    ["cut in a text", "0a0274"],
    ["cut in 64 bits", "0901020304050607"],
    ["cut in 32 bits", "0d010203"],
    ["a length larger than any message", "0affffffffffffffffff01"],
    ["field number 0", "0001"],
    ["a field number beyond 2^29 - 1", "8080808010 01"],
    ["a field number beyond 2^61", "f8ffffffffffffffff01 01"],
    ["a number of eleven bytes", "30 8080808080808080808000"],
    ["a number of more than 64 bits", "30 80808080808080808002"],
    ["wire type 6", "0e01"],
    ["wire type 7", "0f01"],
    ["a group that does not end", "0b 0801"],
    ["a group that did not begin", "0c"],
    ["a group that ends as another", "0b 14"],
    ["a group in a group that ends too late", "0b 13 0c 14"],
  ])("refuses %s", (_, text) => {
    expect(() => patchTaskMessage(fromHex(`0a0174${text}`), { retried: 1 })).toThrow(DecodeError);
  });

  test("throws nothing but DecodeError on garbage, and patches whatever can be decoded", () => {
    const damaged = fc
      .tuple(randomTaskMessage, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat())
      .map(([message, hits, cut]) => {
        const { bytes } = encodeTaskMessage(message);
        for (const [at, byte] of hits) bytes[at % bytes.length] = byte;
        return bytes.subarray(0, cut % 3 === 0 ? cut % bytes.length : bytes.length);
      });
    const seen = { refused: 0, patched: 0, decoded: 0 };
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), damaged), anyChanges, (garbage, changes) => {
        const patched = attempt(() => patchTaskMessage(garbage, changes));
        const decoded = attempt(() => decodeTaskMessage(garbage, "garbage"));
        if (decoded) expect(patched).toBeDefined();
        seen[patched ? "patched" : "refused"]++;
        if (decoded) seen.decoded++;
      }),
      { numRuns: 3000 },
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(100);
  });

  const mebibyte = 2 ** 20;
  // With every mutant in it at once the code takes ten times as long.
  test.skipIf(process.env.STRYKER_MUTATOR_WORKER !== undefined).each([
    ["fields that are dropped", Buffer.alloc(mebibyte, fromHex("3001"))],
    ["fields that are kept and dropped in turn", Buffer.alloc(mebibyte, fromHex("30012801"))],
    ["payloads", Buffer.alloc(mebibyte, fromHex("1200"))],
    ["groups in groups", Buffer.concat([Buffer.alloc(mebibyte / 2, 0x0b), Buffer.alloc(mebibyte / 2, 0x0c)])],
    ["a single payload", Buffer.concat([fromHex("12fcff3f"), Buffer.alloc(mebibyte - 4, 0xee)])],
  ])("takes linear time for 1 MiB of %s", { timeout: 5000 }, (_, message) => {
    expect(message.length).toBe(mebibyte);
    expect(hex(patchTaskMessage(message, { retried: 5, completedAtSec: 6 }).bytes).slice(-8)).toBe("30056806");
  });
});

function attempt<Result>(work: () => Result): Result | undefined {
  try {
    return work();
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError);
    return undefined;
  }
}
