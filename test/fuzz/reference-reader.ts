/**
 * Reads Asynq's messages as protobuf-go does, field by field from a table, by BigInt and recursion: another way than the source goes, to
 * hold it against.
 * @see protobuf-go internal/impl/decode.go, codec_map.go; encoding/protowire
 * @module
 */
import { isUtf8 } from "node:buffer";

/** What a field holds: `map` has text keys. */
export type FieldKind = "text" | "bytes" | "int32" | "int64" | "bool" | "time" | "texts" | "map of text" | "map of int32";
export type Schema = ReadonlyMap<number, { readonly name: string; readonly kind: FieldKind }>;

/** A field at the top of a message, `[start, end)` with its tag. */
interface TopField {
  readonly field: number;
  readonly wireType: number;
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
}

/** What Go would read: its values by name, absent ones left out, and where its fields stand. */
export interface ReferenceRead {
  readonly values: Readonly<Record<string, unknown>>;
  readonly fields: readonly TopField[];
}

/** Why Go would read nothing. No `Error`: half of a million inputs would make a stack trace each. */
export class Refused {
  readonly why: string;
  constructor(why: string) {
    this.why = why;
  }
}

/** Where protobufjs is known to go another way than Go: see `readMessage`. */
export interface Leeway {
  /** A tag or a length in more than five bytes, or groups more than 100 deep: Go reads it, we need not. */
  stricter: boolean;
  /** A number too long for 64 bits inside of a header, a queue or a time: Go refuses it, we need not. */
  looser: boolean;
}

const timeSchema: Schema = new Map([
  [1, { name: "seconds", kind: "int64" }],
  [2, { name: "nanos", kind: "int32" }],
]);
const textEntry: Schema = new Map([
  [1, { name: "key", kind: "text" }],
  [2, { name: "value", kind: "text" }],
]);
const int32Entry: Schema = new Map([
  [1, { name: "key", kind: "text" }],
  [2, { name: "value", kind: "int32" }],
]);

const wireTypeOf: Readonly<Record<FieldKind, number>> = {
  text: 2,
  bytes: 2,
  int32: 0,
  int64: 0,
  bool: 0,
  time: 2,
  texts: 2,
  "map of text": 2,
  "map of int32": 2,
};

const largestField = 2 ** 29 - 1;

/** @throws {Refused} */
export function referenceRead(message: Uint8Array, schema: Schema, leeway: Leeway): ReferenceRead {
  const fields: TopField[] = [];
  const values = readInto({}, message, schema, leeway, false, fields);
  return { values, fields };
}

function readInto(
  values: Record<string, unknown>,
  message: Uint8Array,
  schema: Schema,
  leeway: Leeway,
  isInner: boolean,
  fields: TopField[] = [],
): Record<string, unknown> {
  const cursor = new Cursor(message, leeway, isInner);
  while (cursor.at < message.length) {
    const start = cursor.at;
    const { field, wireType } = cursor.tag();
    const known = schema.get(field);
    let valueStart = cursor.at;
    if (known !== undefined && wireTypeOf[known.kind] === wireType) {
      if (wireType === 0) setNumber(values, known, cursor.varint());
      else {
        const value = cursor.sized();
        valueStart = cursor.at - value.length;
        setSized(values, known, value, leeway);
      }
    } else valueStart = cursor.skip(field, wireType, 0);
    fields.push({ field, wireType, start, valueStart, end: cursor.at });
  }
  return values;
}

function setNumber(
  values: Record<string, unknown>,
  { name, kind }: { readonly name: string; readonly kind: FieldKind },
  value: bigint,
): void {
  if (kind === "bool") values[name] = value !== 0n;
  else values[name] = kind === "int32" ? Number(BigInt.asIntN(32, value)) : BigInt.asIntN(64, value);
}

function setSized(
  values: Record<string, unknown>,
  { name, kind }: { readonly name: string; readonly kind: FieldKind },
  value: Uint8Array,
  leeway: Leeway,
): void {
  switch (kind) {
    case "bytes":
      values[name] = value;
      return;
    case "text":
      values[name] = text(value);
      return;
    case "texts":
      values[name] = [...((values[name] as string[]) ?? []), text(value)];
      return;
    case "time":
      // Given twice, the second adds to the first.
      values[name] = readInto((values[name] as Record<string, unknown>) ?? {}, value, timeSchema, leeway, true);
      return;
    default: {
      const entry = readInto({}, value, kind === "map of text" ? textEntry : int32Entry, leeway, true);
      values[name] ??= Object.create(null);
      const map = values[name] as Record<string, unknown>;
      map[(entry.key as string) ?? ""] = entry.value ?? (kind === "map of text" ? "" : 0);
    }
  }
}

function text(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new Refused("a text is not UTF-8");
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}

class Cursor {
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #leeway: Leeway;
  readonly #isInner: boolean;

  constructor(bytes: Uint8Array, leeway: Leeway, isInner: boolean) {
    this.#bytes = bytes;
    this.#leeway = leeway;
    this.#isInner = isInner;
  }

  varint(): bigint {
    const first = this.#bytes[this.at];
    if (first !== undefined && first < 128) {
      this.at++;
      return BigInt(first);
    }
    let value = 0n;
    for (let nth = 0n; nth < 10n; nth++) {
      const byte = this.#bytes[this.at++];
      if (byte === undefined) throw new Refused("it ends in a number");
      value |= BigInt(byte & 127) << (7n * nth);
      if (byte < 128) {
        if (value < 2n ** 64n) return value;
        break;
      }
    }
    if (this.#isInner) this.#leeway.looser = true;
    throw new Refused("a number has more than 64 bits");
  }

  tag(): { field: number; wireType: number } {
    const tag = this.#short();
    const field = Math.floor(tag / 8);
    if (field < 1 || field > largestField) throw new Refused("a field number is out of range");
    return { field, wireType: tag % 8 };
  }

  sized(): Uint8Array {
    const length = this.#short();
    if (length > this.#bytes.length - this.at) throw new Refused("it ends in a field");
    const start = this.at;
    this.at += length;
    return this.#bytes.subarray(start, this.at);
  }

  /** Passes over a value and answers where it starts. */
  skip(field: number, wireType: number, depth: number): number {
    const start = this.at;
    switch (wireType) {
      case 0:
        this.varint();
        return start;
      case 1:
        return this.#pass(8);
      case 2: {
        const { length } = this.sized();
        return this.at - length;
      }
      case 3:
        if (depth > 90) this.#leeway.stricter = true;
        // Go's own bound is 10,000, more than fits the stack here.
        if (depth > 2_000) throw new Refused("groups are too deep");
        for (;;) {
          const next = this.tag();
          if (next.wireType === 4) {
            if (next.field !== field) throw new Refused("a group ends that did not begin");
            return start;
          }
          this.skip(next.field, next.wireType, depth + 1);
        }
      case 5:
        return this.#pass(4);
      default:
        throw new Refused("a field is of no known wire type");
    }
  }

  #pass(count: number): number {
    if (this.at + count > this.#bytes.length) throw new Refused("it ends in a field");
    this.at += count;
    return this.at - count;
  }

  /** A tag or a length: one that is beyond what a number holds to the digit is beyond any that is one. */
  #short(): number {
    const start = this.at;
    const first = this.#bytes[start];
    if (first !== undefined && first < 128) {
      this.at++;
      return first;
    }
    const value = this.varint();
    if (this.at - start > 5) this.#leeway.stricter = true;
    return Number(value);
  }
}
