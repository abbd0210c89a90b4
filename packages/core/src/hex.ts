const digits = "0123456789abcdef";
/** The characters of one text after the other. */
const codes: number[] = [];

/**
 * Bytes as lower-case hexadecimal digits, `dashed` as a UUID is. Made of all its characters at once: to add them up would make a text for
 * each.
 */
export function hex(bytes: Uint8Array, dashed = false): string {
  let at = 0;
  for (let i = 0; i < bytes.length; i++) {
    if (dashed && i > 3 && i < 11 && i % 2 === 0) codes[at++] = 45;
    codes[at++] = digits.charCodeAt(bytes[i]! >> 4);
    codes[at++] = digits.charCodeAt(bytes[i]! & 15);
  }
  codes.length = at;
  return String.fromCharCode(...codes);
}
