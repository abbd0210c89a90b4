/** A field as it stands in a message: its number, its wire type and its bytes, tag included. */
export interface RawField {
  readonly field: number;
  readonly wireType: number;
  readonly value: Buffer;
  readonly raw: Buffer;
}

/** Splits a message into its fields, by BigInt and recursion: another way than the source goes, to hold it against. */
export function splitFields(message: Uint8Array): RawField[] {
  const bytes = Buffer.from(message);
  const fields: RawField[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { end, ...field } = readField(bytes, at);
    fields.push({ ...field, raw: bytes.subarray(at, end) });
    at = end;
  }
  return fields;
}

function readVarint(bytes: Buffer, at: number): { value: bigint; end: number } {
  let value = 0n;
  for (let end = at; ; end++) {
    value |= BigInt(bytes.readUInt8(end) & 127) << BigInt(7 * (end - at));
    if (bytes.readUInt8(end) < 128) return { value, end: end + 1 };
  }
}

function readField(bytes: Buffer, at: number): { field: number; wireType: number; value: Buffer; end: number } {
  const tag = readVarint(bytes, at);
  const field = Number(tag.value >> 3n);
  const wireType = Number(tag.value & 7n);
  if (wireType === 0) {
    const { end } = readVarint(bytes, tag.end);
    return { field, wireType, value: bytes.subarray(tag.end, end), end };
  }
  if (wireType === 3) {
    let inner = tag.end;
    for (;;) {
      const next = readField(bytes, inner);
      if (next.wireType === 4) return { field, wireType, value: bytes.subarray(tag.end, inner), end: next.end };
      inner = next.end;
    }
  }
  if (wireType === 4) return { field, wireType, value: Buffer.alloc(0), end: tag.end };
  const length = wireType === 2 ? readVarint(bytes, tag.end) : { value: wireType === 1 ? 8n : 4n, end: tag.end };
  const end = length.end + Number(length.value);
  return { field, wireType, value: bytes.subarray(length.end, end), end };
}
