/** A command's name and arguments. Text goes to Redis as UTF-8, in which a lone surrogate becomes U+FFFD; bytes go as they are. */
export type Command = readonly [name: string, ...args: (string | Uint8Array)[]];

/** Redis closes the connection of a client that sends more in one command, and with it every request that waits there. */
export const maxCommandParts: number = 1024 * 1024;

/** Writes commands as RESP2 requests, to be sent in one piece. */
export function encodeCommands(commands: readonly Command[]): Buffer {
  const pieces: Buffer[] = [];
  let text = "";
  for (const command of commands) {
    text += `*${command.length}\r\n`;
    for (const part of command) {
      if (typeof part === "string") {
        text += `$${Buffer.byteLength(part)}\r\n${part}\r\n`;
      } else {
        pieces.push(Buffer.from(`${text}$${part.byteLength}\r\n`), Buffer.from(part.buffer, part.byteOffset, part.byteLength));
        text = "\r\n";
      }
    }
  }
  return pieces.length === 0 ? Buffer.from(text) : Buffer.concat([...pieces, Buffer.from(text)]);
}
