/** Of each byte its two digits. */
const pairs = Array.from({ length: 256 }, (_, byte) => (256 + byte).toString(16).slice(1));

/** Bytes as lower-case hexadecimal digits, from the one at `start` up to `end`. */
export function hex(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  let text = "";
  for (let i = start; i < end; i++) text += pairs[bytes[i]!]!;
  return text;
}
