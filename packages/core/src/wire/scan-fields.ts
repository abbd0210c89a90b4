/**
 * Finds the fields of a protobuf message without reading them.
 * @module
 */
import { DecodeError } from "../errors.ts";

/** One field, known or not, as it stands in the bytes: `[start, end)` with its tag, `[valueStart, end)` without tag and length. */
export type FieldVisitor = (field: number, wireType: number, start: number, valueStart: number, end: number) => void;

const largestField = 2 ** 29 - 1;

/**
 * Visits each field of a message in order, a group as one field; as strict as Go: a varint has at most 64 bits, in any length up to ten bytes.
 * @throws {DecodeError} naming `what`: the bytes are not a protobuf message
 * @see protobuf-go encoding/protowire, `ConsumeField`
 */
export function scanFields(bytes: Uint8Array, what: string, visit: FieldVisitor): void {
  const groups: number[] = [];
  let at = 0;
  let start = 0;

  /** Exact up to 2^53; what is larger is too large for a tag or a length, and any other varint is only passed over. */
  const varint = (): number => {
    let value = 0;
    for (let nth = 0, scale = 1; ; nth++, scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new DecodeError(what, "it ends inside a field");
      if (nth === 9 && byte > 1) throw new DecodeError(what, "a number has more than 64 bits");
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const skip = (count: number): void => {
    if (count > bytes.length - at) throw new DecodeError(what, "it ends inside a field");
    at += count;
  };

  while (at < bytes.length) {
    if (groups.length === 0) start = at;
    const tag = varint();
    const field = Math.floor(tag / 8);
    const wireType = tag % 8;
    if (field < 1 || field > largestField) throw new DecodeError(what, "a field number is out of range");
    let valueStart = at;
    if (wireType === 0) varint();
    else if (wireType === 1) skip(8);
    else if (wireType === 2) {
      const length = varint();
      valueStart = at;
      skip(length);
    } else if (wireType === 3) groups.push(field);
    else if (wireType === 4) {
      if (groups.pop() !== field) throw new DecodeError(what, "a group ends that did not begin");
    } else if (wireType === 5) skip(4);
    else throw new DecodeError(what, "a field is of no known wire type");
    if (groups.length === 0) visit(field, wireType, start, valueStart, at);
  }
  if (groups.length > 0) throw new DecodeError(what, "a group does not end");
}
