/**
 * Writes protobuf fields one after the other, numbers in as few bytes as they take, as Go and `protoc` do.
 * @module
 */
import { demand } from "../demand.ts";

/** The most an integer field holds; beyond 2^53 a JavaScript number is not exact. */
export const maxInt32: number = 2 ** 31 - 1;
export const maxInt64: number = 2 ** 53 - 1;

const encoder = new TextEncoder();

/** The room of the writer before: to make room anew costs more than to write a task. */
let spare: Uint8Array | undefined;

/** Grows as it is written. */
export class FieldWriter {
  private bytes: Uint8Array;
  /** Bytes written so far. */
  length = 0;

  constructor(capacity: number) {
    this.bytes = spare !== undefined && spare.length >= capacity ? spare : new Uint8Array(capacity);
    spare = undefined;
  }

  /** A text field, nothing when there is no text. Half a surrogate pair becomes U+FFFD: Go refuses a message whose text is not UTF-8. */
  text(field: number, text: string | undefined): void {
    if (text) this.anyText(field, text);
  }

  /** A text field, also when there is no text. */
  anyText(field: number, text: string): void {
    this.varint(field * 8 + 2);
    const start = this.length;
    this.varint(text.length);
    this.reserve(text.length);
    // Names and ids are ASCII, a byte for each character, and short: written before an encoder is called.
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) {
        this.length = start;
        this.counted(encoder.encode(text));
        return;
      }
      this.bytes[this.length++] = code;
    }
  }

  /** A field of bytes, also when there are none. */
  sized(field: number, value: Uint8Array): void {
    this.varint(field * 8 + 2);
    this.counted(value);
  }

  /**
   * A field of type int32 or int64, nothing when it is 0.
   * @throws {InvalidOptionError} `name` is not a whole number from `-most - 1` to `most`
   */
  integer(field: number, value: number | undefined, name: string, most: number = maxInt64): void {
    if (value === undefined || value === 0) return;
    demand(Number.isSafeInteger(value) && value <= most && value >= -most - 1, name, `expected a whole number of at most ${most}`);
    this.varint(field * 8);
    this.varint(value);
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** What was written, in an array of its own. The writer is spent. */
  finish(): Uint8Array {
    if (this.bytes.length < 65_536) spare = this.bytes;
    return this.bytes.slice(0, this.length);
  }

  private counted(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** Bit operations see the lowest 32 bits of any whole number as two's complement has them, so seven bits at a time come out right. */
  private varint(value: number): void {
    this.reserve(10);
    let rest = value;
    let count = 1;
    for (; count < 10 && (rest > 127 || rest < 0); count++) {
      this.bytes[this.length++] = (rest & 127) | 128;
      rest = Math.floor(rest / 128);
    }
    // Only a negative number gets as far as a tenth byte, for the one bit that is left: the sign.
    this.bytes[this.length++] = count === 10 ? 1 : rest;
  }

  private reserve(count: number): void {
    const { bytes } = this;
    if (this.length + count <= bytes.length) return;
    this.bytes = new Uint8Array((this.length + count) * 2);
    this.bytes.set(bytes);
  }
}
