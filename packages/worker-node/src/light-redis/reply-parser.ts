import type { Reply } from "@asynqjs/core";

/** An error reply: its text, code word first. */
export class ErrorReply {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What Redis answers, in the second protocol. A status is bytes too. */
export type RawReply = Reply | ErrorReply;

/** A reply and where the next begins, or how many bytes there must be before it is worth to look again. */
type Read = { readonly reply: RawReply; readonly end: number } | { readonly needed: number };

/** Reads replies from chunks of bytes that begin and end anywhere. */
export class ReplyParser {
  #chunks: Buffer[] = [];
  #length = 0;
  #needed = 1;

  /**
   * The replies that this chunk completes.
   * @throws {Error} bytes that are no RESP
   */
  push(chunk: Buffer): RawReply[] {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#needed) return [];
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#length);
    const replies: RawReply[] = [];
    let at = 0;
    let read = readReply(bytes, at);
    for (; "reply" in read; read = readReply(bytes, at)) {
      replies.push(read.reply);
      at = read.end;
    }
    this.#chunks = [bytes.subarray(at)];
    this.#length = bytes.length - at;
    this.#needed = read.needed - at;
    return replies;
  }
}

function readReply(bytes: Buffer, start: number): Read {
  const lineEnd = bytes.indexOf("\r\n", start, "latin1");
  if (lineEnd < 0) return { needed: bytes.length + 1 };
  const line = bytes.toString("utf8", start + 1, lineEnd);
  const next = lineEnd + 2;
  switch (String.fromCharCode(bytes[start]!)) {
    case "+":
      return { reply: bytes.subarray(start + 1, lineEnd), end: next };
    case "-":
      return { reply: new ErrorReply(line), end: next };
    case ":":
      return { reply: Number(line), end: next };
    case "$": {
      const length = Number(line);
      if (length < 0) return { reply: null, end: next };
      if (bytes.length < next + length + 2) return { needed: next + length + 2 };
      return { reply: bytes.subarray(next, next + length), end: next + length + 2 };
    }
    case "*":
      return readArray(bytes, next, Number(line));
    default:
      throw new Error("not a reply of Redis");
  }
}

function readArray(bytes: Buffer, start: number, length: number): Read {
  if (length < 0) return { reply: null, end: start };
  const items: Reply[] = [];
  let end = start;
  for (let i = 0; i < length; i++) {
    const read = readReply(bytes, end);
    if ("needed" in read) return read;
    // An error among a list's items comes from EXEC alone, which we never send.
    if (read.reply instanceof ErrorReply) throw new Error("an error inside of a list");
    items.push(read.reply);
    end = read.end;
  }
  return { reply: items, end };
}
