import type { Socket } from "node:net";
import type { Command, CommandWord } from "@asynqjs/core";

/** Bytes from this length on are handed to the socket as they are: copying them would cost more than one more piece to write. */
const largeBytes = 16 * 1024;
/** How much a new slab holds at least, and how much one grows to where a turn needs more. */
const [leastSlabBytes, mostSlabBytes] = [16 * 1024, 256 * 1024];
/** Text up to this length is written before it is known how many bytes it takes: nearly always as many as it has characters. */
const shortText = 64;
/** Room for a length, its sign before and its line's end. */
const headBytes = 16;

/**
 * What a connection is to send: RESP arrays of bulk strings. Whatever is put in within a turn of the event loop, the promises that follow from
 * it included, leaves in one write at its end: each write costs as much as ten commands.
 */
export class Outbox {
  readonly #socket: Socket;
  #slab = Buffer.allocUnsafeSlow(leastSlabBytes);
  /** Of the slab what is to be sent. */
  #from = 0;
  #to = 0;
  /** What is to be sent before it. */
  #pieces: Uint8Array[] = [];
  #due = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Puts all the commands in, or none where one holds what is no word. */
  put(commands: readonly Command[]): void {
    const [slab, from, to, pieces] = [this.#slab, this.#from, this.#to, this.#pieces.length];
    try {
      for (const words of commands) {
        this.#head(0x2a, words.length);
        for (const word of words) this.#word(word);
      }
    } catch (error) {
      [this.#slab, this.#from, this.#to, this.#pieces.length] = [slab, from, to, pieces];
      throw error;
    }
    if (this.#due) return;
    this.#due = true;
    process.nextTick(this.#flush);
  }

  readonly #flush = (): void => {
    this.#due = false;
    const socket = this.#socket;
    if (socket.destroyed) return;
    const last = this.#slab.subarray(this.#from, this.#to);
    this.#from = this.#to;
    if (this.#pieces.length === 0) socket.write(last);
    else {
      socket.cork();
      for (const piece of this.#pieces) socket.write(piece);
      socket.write(last);
      socket.uncork();
      this.#pieces = [];
    }
    // What the socket keeps for later lies in the slab until it is sent.
    if (socket.writableLength > 0) return;
    if (this.#slab.length > mostSlabBytes) this.#slab = Buffer.allocUnsafeSlow(leastSlabBytes);
    this.#from = this.#to = 0;
  };

  #word(word: CommandWord): void {
    if (typeof word === "string") this.#text(word);
    else this.#bytes(word);
  }

  #bytes(bytes: Uint8Array): void {
    const { length } = bytes;
    if (length < largeBytes) {
      this.#head(0x24, length, length);
      this.#slab.set(bytes, this.#to);
      this.#to += length;
    } else {
      this.#head(0x24, length);
      this.#pieces.push(this.#slab.subarray(this.#from, this.#to), bytes);
      this.#from = this.#to;
      this.#room(2);
    }
    this.#lineEnd();
  }

  #text(text: string): void {
    if (text.length > shortText || !this.#ascii(text)) this.#anyText(text);
    this.#lineEnd();
  }

  /** Answers whether it was ASCII, and has as many bytes as characters; where it was not, nothing was put in. */
  #ascii(text: string): boolean {
    const { length } = text;
    const start = this.#head(0x24, length, 3 * length);
    const isAscii = this.#slab.write(text, this.#to) === length;
    this.#to = isAscii ? this.#to + length : start;
    return isAscii;
  }

  #anyText(text: string): void {
    const bytes = Buffer.byteLength(text);
    this.#head(0x24, bytes, bytes);
    // ASCII is both, and quicker as the one.
    this.#to += this.#slab.write(text, this.#to, bytes === text.length ? "latin1" : "utf8");
  }

  /** A kind of thing and its length, with room for so much behind it. Answers where it begins. */
  #head(kind: number, length: number, room = 0): number {
    this.#room(headBytes + room + 2);
    const slab = this.#slab;
    const start = this.#to;
    slab[start] = kind;
    let digits = 1;
    for (let rest = length; rest >= 10; rest = Math.floor(rest / 10)) digits++;
    let rest = length;
    for (let at = start + digits; at > start; at--) {
      slab[at] = 0x30 + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    this.#to = start + digits + 1;
    this.#lineEnd();
    return start;
  }

  #lineEnd(): void {
    this.#slab[this.#to++] = 0x0d;
    this.#slab[this.#to++] = 0x0a;
  }

  /** Makes room for so many bytes: in a new slab, where this one has none. */
  #room(bytes: number): void {
    if (this.#to + bytes <= this.#slab.length) return;
    if (this.#to > this.#from) this.#pieces.push(this.#slab.subarray(this.#from, this.#to));
    // A turn that fills one needs a longer one; what is left of this one is gone with what it holds.
    const grown = this.#from === 0 ? this.#slab.length * 2 : leastSlabBytes;
    this.#slab = Buffer.allocUnsafeSlow(Math.max(bytes, Math.min(grown, mostSlabBytes)));
    this.#from = this.#to = 0;
  }
}
