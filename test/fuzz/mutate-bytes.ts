import type { Chance } from "./chance.ts";
import { fieldBounds } from "./field-bounds.ts";

const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));

/** Whole fields, as a newer Asynq, another encoder or somebody hostile may write them. */
const wholeFields: readonly Uint8Array[] = [
  "0b0c", // a group of nothing
  "0b13141b1c0c", // groups in a group
  "c03e01", // of a newer Asynq: a number
  "c03effffffffffffffffff01", // the largest number
  "c03e80808080808080808000", // zero, at its longest
  "c23e03616263", // bytes
  "cb3e0801cc3e", // a group
  "c13e0102030405060708", // 64 bits
  "c53e01020304", // 32 bits
  "0a8080808000", // nothing, its length in as many bytes as possible
  "fa8080808000", // field 15 in six bytes, which protobufjs does not take
  "0a01ff", // text that is not UTF-8
  "0a03eda080", // half a surrogate pair
  "0a04f4908080", // beyond Unicode
  "0a02c080", // NUL in too many bytes
  "0a0100", // NUL
  "0a03efbbbf", // a byte order mark
  "0a04f09f9880", // two halves of a pair, as they should be
  "0a0120", // a blank
  "1200", // no payload
  "120200ff", // a payload that is no text
  "2801", // a number
  "30ffffffff0f", // 2^32 - 1 in an int32
  "30ffffffffffffffffff01", // -1 in an int32
  "3000", // zero, written out
  "32026869", // text where a number should be
  "40ffffffffffffffff7f", // 2^63 - 1
  "4080808080808080808001", // -2^63
  "40ffffffffffffff0f", // 2^53 - 1
  "408080808080808010", // 2^53
  "7a00", // a header without a name
  "7a0d0a095f5f70726f746f5f5f1200", // a header __proto__
  "7a0f0a0b636f6e7374727563746f721200", // constructor
  "7a060a02c3281200", // a name that is not UTF-8
  "7a060a0131120132", // a name that is an index
  "7a0b0a01611201620a01631200", // names and values twice
  "7a0b08ffffffffffffffffff7f", // a number of too many bits in a header
  "7a040b0c1200", // a group in a header
  "7a010c", // a group ends in a header
  "7a030a0561", // a name longer than its header
  "2a0d0a095f5f70726f746f5f5f1001", // a queue __proto__
  "2a070a0161100510ff01", // its priority twice
  "420b0880e2cfaa0610959aef3a", // a time
  "420308ff01", // a time without nanoseconds
  "420210ff", // a time that is cut
  "42004a00", // times of nothing
].map(fromHex);

/** What lets the rest be read otherwise. */
const pieces: readonly Uint8Array[] = [
  "00", // a tag of field 0
  "0b", // a group begins
  "0c", // a group ends
  "0e", // no known wire type
  "80", // a number goes on
  "ffffffffffffffffff02", // a bit too many
  "8080808080808080808000", // a byte too many
  "0affffffff0f", // a length of 4 GiB
  "0affffffffffffffffff01", // a length beyond any
  "f8ffffffff01", // a field number beyond any
].map(fromHex);

/** Alters a message in one to five ways; mostly so that it still has fields. */
export function mutateBytes(chance: Chance, message: Uint8Array, others: readonly Uint8Array[]): Uint8Array {
  const alter = chance.oneIn(3) ? alterBytes : alterFields;
  let bytes = message;
  for (let left = 1 + chance.small(4); left > 0; left--) bytes = alter(chance, bytes, others);
  return bytes;
}

function alterBytes(chance: Chance, bytes: Uint8Array, others: readonly Uint8Array[]): Uint8Array {
  const at = chance.below(bytes.length + 1);
  const to = Math.min(bytes.length, at + 1 + chance.small(64));
  switch (chance.below(9)) {
    case 0: {
      const flipped = bytes.slice();
      if (at < flipped.length) flipped[at]! ^= 1 << chance.below(8);
      return flipped;
    }
    case 1: {
      const set = bytes.slice();
      if (at < set.length) set[at] = chance.oneIn(2) ? chance.pick([0, 1, 0x7f, 0x80, 0xff]) : chance.below(256);
      return set;
    }
    case 2:
      return bytes.subarray(0, at);
    case 3:
      return bytes.subarray(at);
    case 4:
      return replace(bytes, at, to, new Uint8Array());
    case 5:
      return replace(bytes, at, at, bytes.subarray(at, to));
    case 6:
      return replace(bytes, at, to, chance.bytes(chance.small(64)));
    case 7:
      return replace(bytes, at, at, chance.pick(chance.oneIn(2) ? pieces : wholeFields));
    default: {
      const other = chance.pick(others);
      return replace(bytes, at, chance.oneIn(2) ? bytes.length : at, other.subarray(chance.below(other.length)));
    }
  }
}

function alterFields(chance: Chance, bytes: Uint8Array, others: readonly Uint8Array[]): Uint8Array {
  const bounds = fieldBounds(bytes);
  const place = chance.pick(bounds);
  const nth = chance.below(bounds.length);
  const field = bytes.subarray(bounds[nth], bounds[nth + 1] ?? bytes.length);
  switch (chance.below(6)) {
    case 0:
      return replace(bytes, bounds[nth]!, bounds[nth]! + field.length, new Uint8Array());
    case 1:
      return replace(bytes, place, place, field);
    case 2: {
      // Two messages in one: of what stands twice, the last holds.
      const other = chance.pick(others);
      return replace(bytes, place, place, other.subarray(chance.pick(fieldBounds(other))));
    }
    case 3: {
      const value = field.slice();
      if (value.length > 2) value[2 + chance.below(value.length - 2)] = chance.oneIn(4) ? chance.below(256) : 0x20 + chance.below(95);
      return replace(bytes, bounds[nth]!, bounds[nth]! + field.length, value);
    }
    default:
      return replace(bytes, place, place, chance.pick(wholeFields));
  }
}

function replace(bytes: Uint8Array, from: number, to: number, by: Uint8Array): Uint8Array {
  const made = new Uint8Array(bytes.length - (to - from) + by.length);
  made.set(bytes.subarray(0, from));
  made.set(by, from);
  made.set(bytes.subarray(to), from + by.length);
  return made;
}
