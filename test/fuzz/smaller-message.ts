import { fieldBounds } from "./field-bounds.ts";
import { smallerBytes } from "./smaller.ts";

/** A message with a field less, or a shorter one, its length right again; then as any bytes. */
export function* smallerMessage(bytes: Uint8Array): Iterable<Uint8Array> {
  const bounds = fieldBounds(bytes);
  for (const [i, start] of bounds.entries()) {
    const rest = bytes.subarray(bounds[i + 1] ?? bytes.length);
    yield Buffer.concat([bytes.subarray(0, start), rest]);
    const field = bytes.subarray(start, bounds[i + 1] ?? start);
    const headLength = field[1]! < 128 ? 2 : 3;
    if ((field[0]! & 7) !== 2 || field.length <= headLength) continue;
    const value = field.subarray(headLength);
    // Shorter, and of a length that takes one byte.
    for (const length of new Set([0, Math.min(value.length >> 1, 127), Math.min(value.length - 1, 127)]))
      for (const part of [value.subarray(0, length), value.subarray(value.length - length)])
        yield Buffer.concat([bytes.subarray(0, start), Uint8Array.of(field[0]!, length), part, rest]);
  }
  yield* smallerBytes(bytes);
}
