/**
 * Reading by protobufjs, in our terms: one kind of error, numbers that are exact, no object of protobufjs' own.
 * @module
 */
import protobuf from "protobufjs/minimal.js";
import { DecodeError } from "../errors.ts";
import { scanFields } from "./scan-fields.ts";

/** Code made by protobufjs for one message. */
export interface MessageReader<Read> {
  decode(reader: protobuf.Reader): Read;
}

/** A 64-bit value as protobufjs reads it; a plain number where the program took `long` away from protobufjs. */
export type Int64 = number | { readonly low: number; readonly high: number };

/**
 * Reads a message. What is refused is what Go refuses: bytes that are no protobuf message, text that is not UTF-8; and no bytes at all.
 * @throws {DecodeError} naming `where`
 */
export function readMessage<Read>(code: MessageReader<Read>, bytes: Uint8Array, where: string): Read {
  if (bytes.length === 0) throw new DecodeError(where, "it is empty");
  // protobufjs lets varints pass that Go and `patchTaskMessage` refuse.
  scanFields(bytes, where, () => {});
  try {
    // Not `Reader.create`: it treats a Buffer otherwise than an array of bytes, and runtimes must not differ.
    return code.decode(new protobuf.Reader(bytes));
  } catch (error) {
    const why = error instanceof TypeError ? "a text is not UTF-8" : "a field does not hold what it should";
    throw new DecodeError(where, why, error);
  }
}

/**
 * A 64-bit value as a number.
 * @throws {DecodeError} beyond 2^53 - 1
 */
export function exactNumber(value: Int64, where: string): number {
  const number = typeof value === "number" ? value : value.high * 2 ** 32 + (value.low >>> 0);
  if (!Number.isSafeInteger(number)) throw new DecodeError(where, "a number is beyond 2^53 - 1");
  return number;
}

/** Bytes of their own, not a view of the message they were read from; `undefined` when there are none. */
export function ownBytes(view: Uint8Array): Uint8Array | undefined {
  return view.length === 0 ? undefined : new Uint8Array(view);
}

/** A map as a plain record without a prototype, so that no key means more than itself. */
export function ownRecord<Value>(map: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.assign(Object.create(null), map);
}
