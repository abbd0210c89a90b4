import type { Command } from "@asynqjs/core";

const lineEnd = Buffer.from("\r\n");

/** Commands as Redis reads them, one after the other: RESP arrays of bulk strings. */
export function encodeCommands(commands: readonly Command[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const words of commands) {
    parts.push(Buffer.from(`*${words.length}\r\n`));
    for (const word of words) {
      const bytes = typeof word === "string" ? Buffer.from(word) : word;
      parts.push(Buffer.from(`$${bytes.byteLength}\r\n`), bytes, lineEnd);
    }
  }
  return Buffer.concat(parts);
}
