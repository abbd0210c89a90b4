/** One letter per item is what scripts answer: short on the wire, and what a call record keeps. @module */
import { DecodeError } from "./errors.ts";
import type { Reply } from "./redis.ts";

/** Reads a reply of one letter per item into words; no letter, or one that is not in the table, is a `DecodeError`. */
export function decodeVerdicts<V extends string>(words: Readonly<Record<string, V>>): (reply: Reply) => V[] {
  return (reply) => Array.from(decodeText(reply) || fail(), (letter) => words[letter] ?? fail());
}

const utf8 = new TextDecoder();

/** Reads a string reply of a script as text. */
export function decodeText(reply: Reply): string {
  return reply instanceof Uint8Array ? utf8.decode(reply) : fail();
}

function fail(): never {
  throw new DecodeError("the reply of a script", "it is not what this version of the script answers");
}
