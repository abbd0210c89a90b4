/**
 * The text as it can be stored: without NUL, well-formed, at most so many bytes of UTF-8, ending in `…` where it was cut, and never cut inside
 * a character, since one broken byte makes a message unreadable for Go. What is far too long is cut before it is looked at.
 */
export function shortText(text: string, maxBytes: number): string {
  const start = text
    .slice(0, 2 * maxBytes)
    .replaceAll("\0", "")
    .toWellFormed();
  const bytes = new TextEncoder().encode(start);
  if (bytes.length <= maxBytes && text.length <= 2 * maxBytes) return start;
  let end = Math.min(bytes.length, maxBytes - ellipsisBytes);
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return `${new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(0, end))}…`;
}

const ellipsisBytes = 3;
