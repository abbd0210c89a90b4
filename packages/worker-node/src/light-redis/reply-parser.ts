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

/** A list of which not all has come. */
interface List {
  readonly items: Reply[];
  readonly length: number;
  /** The list that it is an item of. */
  readonly outer: List | undefined;
}

/** Longer is no line of Redis'. */
const longestLine = 64 * 1024;
/** A sign, and the digits of the greatest number. */
const longestNumber = 20;

/**
 * Reads replies from chunks of bytes that begin and end anywhere; each byte is looked at once. Strings are views of the chunk they came in: a
 * short one that is kept holds up to 64 KiB, as much as Node reads at once. Only one that came in several chunks is put together, alone, so that
 * nothing but itself holds it.
 */
export class ReplyParser {
  readonly #onReply: (reply: RawReply) => void;
  #list: List | undefined;
  /** The beginning of what has not come yet, and how many bytes of it there must be before it is worth to look again: 0 for a whole line. */
  #parts: Buffer[] = [];
  #length = 0;
  #needed = 0;

  /** `onReply` is told each reply when its last byte has come. */
  constructor(onReply: (reply: RawReply) => void) {
    this.#onReply = onReply;
  }

  /** @throws {Error} bytes that are no RESP; nothing that follows them can be read */
  push(chunk: Buffer): void {
    let rest = chunk;
    while (this.#length > 0 && rest.length > 0) {
      const lineEnd = this.#needed === 0 ? rest.indexOf(0x0a) : 0;
      const more = rest.subarray(0, this.#needed > 0 ? this.#needed - this.#length : lineEnd < 0 ? rest.length : lineEnd + 1);
      rest = rest.subarray(more.length);
      this.#parts.push(more);
      this.#length += more.length;
      if (this.#needed === 0 && this.#length > longestLine) throw noReply();
      if (lineEnd < 0 || this.#length < this.#needed) return;
      const whole = Buffer.concat(this.#parts, this.#length);
      this.#parts = [];
      this.#length = 0;
      this.#read(whole);
    }
    if (rest.length > 0) this.#read(rest);
  }

  #read(bytes: Buffer): void {
    const end = bytes.length;
    let at = 0;
    /** Of a reply that is not all there how long it is, where that is known. */
    let needed = 0;
    while (at < end) {
      const kind = bytes[at]!;
      let next: number;
      let reply: RawReply;
      if (kind === 0x24 || kind === 0x3a || kind === 0x2a) {
        next = at + 1;
        const negative = bytes[next] === 0x2d;
        if (negative) next++;
        let value = 0;
        for (let digit: number; next < end; next++) {
          digit = bytes[next]! - 0x30;
          if (!(digit >= 0 && digit <= 9)) break;
          value = value * 10 + digit;
        }
        if (next - at > longestNumber + 1) throw noReply();
        if (next + 1 >= end) {
          if (next < end && bytes[next] !== 0x0d) throw noReply();
          break;
        }
        if (bytes[next] !== 0x0d || bytes[next + 1] !== 0x0a || next === at + (negative ? 2 : 1)) throw noReply();
        next += 2;
        if (kind === 0x3a) reply = negative ? -value : value;
        else if (negative) reply = null;
        else if (kind === 0x24) {
          if (end - next < value + 2) {
            needed = next - at + value + 2;
            break;
          }
          reply = bytes.subarray(next, next + value);
          next += value + 2;
        } else if (value === 0) reply = [];
        else {
          this.#list = { items: [], length: value, outer: this.#list };
          at = next;
          continue;
        }
      } else if (kind === 0x2b || kind === 0x2d) {
        const lineEnd = bytes.indexOf("\r\n", at, "latin1");
        if (lineEnd < 0) break;
        reply = kind === 0x2b ? bytes.subarray(at + 1, lineEnd) : new ErrorReply(bytes.toString("utf8", at + 1, lineEnd));
        next = lineEnd + 2;
      } else throw noReply();
      at = next;
      this.#take(reply);
    }
    if (at === end) return;
    this.#parts = [bytes.subarray(at)];
    this.#length = end - at;
    this.#needed = needed;
  }

  #take(reply: RawReply): void {
    let whole = reply;
    for (let list = this.#list; list !== undefined; list = list.outer) {
      // An error among a list's items comes from EXEC alone, which we never send.
      if (whole instanceof ErrorReply) throw new Error("an error inside of a list");
      list.items.push(whole);
      if (list.items.length < list.length) {
        this.#list = list;
        return;
      }
      whole = list.items;
    }
    this.#list = undefined;
    this.#onReply(whole);
  }
}

function noReply(): Error {
  return new Error("not a reply of Redis");
}
