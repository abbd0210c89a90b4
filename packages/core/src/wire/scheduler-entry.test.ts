import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { schedulerEnqueueEvent, schedulerEntry } from "../../../../test/support/wire/golden-vectors.ts";
import { randomEnqueueEvent, randomSchedulerEntry } from "../../../../test/support/wire/random-messages.ts";
import { decodeSchedulerEnqueueEvent, decodeSchedulerEntry, encodeSchedulerEnqueueEvent, encodeSchedulerEntry } from "./scheduler-entry.ts";
import { goZeroTimeNs } from "./timestamp.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const fromHex = (text: string): Buffer => Buffer.from(text, "hex");

describe("a periodic task", () => {
  test("is written and read as by protoc, Go's zero time for one that never ran", () => {
    expect(schedulerEntry.message.prevEnqueueAtNs).toBe(goZeroTimeNs);
    expect(hex(encodeSchedulerEntry(schedulerEntry.message))).toBe(schedulerEntry.hex);
    expect(decodeSchedulerEntry(fromHex(schedulerEntry.hex), "entry")).toEqual(schedulerEntry.message);
  });

  test("is read back whatever it is", () => {
    fc.assert(
      fc.property(randomSchedulerEntry, (entry) => {
        expect(decodeSchedulerEntry(encodeSchedulerEntry(entry), "entry")).toEqual(entry);
      }),
    );
  });

  test("tells a time left out from Go's zero time", () => {
    const entry = { ...schedulerEntry.message, nextEnqueueAtNs: undefined };
    expect(decodeSchedulerEntry(encodeSchedulerEntry(entry), "entry")).toMatchObject({
      nextEnqueueAtNs: undefined,
      prevEnqueueAtNs: goZeroTimeNs,
    });
  });

  test("is written with text made well-formed", () => {
    const entry = { ...schedulerEntry.message, spec: "s\ud800", enqueueOptions: ["o\udc00"] };
    expect(decodeSchedulerEntry(encodeSchedulerEntry(entry), "entry")).toMatchObject({ spec: "s\ufffd", enqueueOptions: ["o\ufffd"] });
  });

  test("is not read from bytes that are no message, or hold text that is not UTF-8", () => {
    expect(() => decodeSchedulerEntry(fromHex("0a05"), "entry e")).toThrow(/^cannot decode entry e: it ends inside a field$/);
    expect(() => decodeSchedulerEntry(fromHex("2a01ff"), "entry e")).toThrow(/^cannot decode entry e: a text is not UTF-8$/);
  });
});

test.each(["nextEnqueueAtNs", "prevEnqueueAtNs"])("a periodic task is refused with a %s that has no place in a calendar", (option) => {
  expect(() => encodeSchedulerEntry({ ...schedulerEntry.message, [option]: 10n ** 30n })).toThrow(
    expect.objectContaining({ code: "INVALID_OPTION", option }),
  );
});

describe("the event of a task that was enqueued", () => {
  test("is written and read as by protoc", () => {
    expect(hex(encodeSchedulerEnqueueEvent(schedulerEnqueueEvent.message))).toBe(schedulerEnqueueEvent.hex);
    expect(decodeSchedulerEnqueueEvent(fromHex(schedulerEnqueueEvent.hex), "event")).toEqual(schedulerEnqueueEvent.message);
  });

  test("is read back whatever it is, to the nanosecond and before 1970 too", () => {
    fc.assert(
      fc.property(randomEnqueueEvent, (event) => {
        expect(decodeSchedulerEnqueueEvent(encodeSchedulerEnqueueEvent(event), "event")).toEqual(event);
      }),
    );
  });

  test("is written with nanoseconds that count up, before 1970 too", () => {
    expect(hex(encodeSchedulerEnqueueEvent({ taskId: "a", enqueuedAtNs: -1n }))).toBe("0a0161121108ffffffffffffffffff0110ff93ebdc03");
  });

  test("is written into an array of its own", () => {
    const bytes = encodeSchedulerEnqueueEvent(schedulerEnqueueEvent.message);
    expect(bytes.constructor).toBe(Uint8Array);
    expect(bytes.buffer.byteLength).toBe(bytes.length);
  });

  test("is read with a second and a nanosecond at the end of their types, as Go reads them", () => {
    const seconds = "08ffffffffffffffff7f";
    expect(decodeSchedulerEnqueueEvent(fromHex(`0a0161120a${seconds}`), "event").enqueuedAtNs).toBe((2n ** 63n - 1n) * 1_000_000_000n);
    expect(decodeSchedulerEnqueueEvent(fromHex("0a0161120b10ffffffffffffffffff01"), "event").enqueuedAtNs).toBe(-1n);
  });

  test("is refused with a time that has no place in a calendar", () => {
    expect(() => encodeSchedulerEnqueueEvent({ taskId: "a", enqueuedAtNs: 10n ** 30n })).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", option: "enqueuedAtNs" }),
    );
  });
});
