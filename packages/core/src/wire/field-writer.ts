/**
 * Writes protobuf fields one after the other, numbers in as few bytes as they take, as Go and `protoc` do. One message at a time: from
 * `beginMessage` to `endMessage`, with nothing awaited in between.
 * @module
 */
import { encodeText } from "../encode-text.ts";
import { InvalidOptionError } from "../errors.ts";

/** The most an integer field holds; beyond 2^53 a JavaScript number is not exact. */
export const maxInt32: number = 2 ** 31 - 1;
export const maxInt64: number = 2 ** 53 - 1;

/** Messages stand one behind the other in the same room: to make room for each costs more than to write it. */
const roomBytes = 16_384;
let room = new Uint8Array();
/** Where the message begins: what stands before is never written again, whoever holds it. */
let start = 0;
/** How many of its bytes are written. */
let at = 0;

/** Begins a message that may take so many bytes; one that takes more has to be moved. */
export function beginMessage(capacity: number): void {
  start += at;
  at = 0;
  reserve(capacity);
}

/** How many bytes of the message are written. */
export function writtenBytes(): number {
  return at;
}

/** The message: a part of the room, which stays for as long as anybody holds it. */
export function endMessage(): Uint8Array {
  const message = room.subarray(start, start + at);
  // What only a long one could use is not kept.
  if (room.length > roomBytes) {
    room = new Uint8Array();
    start = at = 0;
  }
  return message;
}

/** A text field, nothing when there is no text. Half a surrogate pair becomes U+FFFD: Go refuses a message whose text is not UTF-8. */
export function writeText(field: number, text: string | undefined): void {
  if (text) writeAnyText(field, text);
}

/** A field of bytes, also when there are none. */
export function writeSized(field: number, bytes: Uint8Array): void {
  writeVarint(field * 8 + 2);
  writeVarint(bytes.length);
  writeRaw(bytes);
}

/** An entry of a map of text by text: both its fields, also when they are empty. */
export function writeEntry(field: number, key: string, value: string): void {
  const before = at;
  writeAnyText(1, key);
  writeAnyText(2, value);
  const entry = room.slice(start + before, start + at);
  at = before;
  writeSized(field, entry);
}

/**
 * A field of type int32 or int64, nothing when it is 0.
 * @throws {InvalidOptionError} `name` is not a whole number from `-most - 1` to `most`
 */
export function writeInteger(field: number, value: number | undefined, name: string, most: number = maxInt64): void {
  if (value === undefined || value === 0) return;
  if (!Number.isSafeInteger(value) || value > most || value < -most - 1)
    throw new InvalidOptionError(name, `expected a whole number of at most ${most}`);
  writeVarint(field * 8);
  writeVarint(value);
}

/** Bytes as they are. */
export function writeRaw(bytes: Uint8Array): void {
  reserve(bytes.length);
  room.set(bytes, start + at);
  at += bytes.length;
}

function writeAnyText(field: number, text: string): void {
  const before = at;
  writeVarint(field * 8 + 2);
  writeVarint(text.length);
  reserve(text.length);
  // Names and ids are ASCII, a byte for each character, and short: written before an encoder is called.
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) {
      at = before;
      writeSized(field, encodeText(text));
      return;
    }
    room[start + at + i] = code;
  }
  at += text.length;
}

/** Bit operations see the lowest 32 bits of any whole number as two's complement has them, so seven bits at a time come out right. */
function writeVarint(value: number): void {
  reserve(10);
  let rest = value;
  let count = 1;
  for (; count < 10 && (rest > 127 || rest < 0); count++) {
    room[start + at++] = (rest & 127) | 128;
    rest = Math.floor(rest / 128);
  }
  // Only a negative number gets as far as a tenth byte, for the one bit that is left: the sign.
  room[start + at++] = count === 10 ? 1 : rest;
}

function reserve(count: number): void {
  if (start + at + count <= room.length) return;
  const larger = new Uint8Array(Math.max(at * 2 + count, roomBytes));
  larger.set(room.subarray(start, start + at));
  room = larger;
  start = 0;
}
