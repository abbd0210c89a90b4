/** One letter per item is what scripts answer: short on the wire, and what a call record keeps. @module */
import { DecodeError } from "./errors.ts";
import type { Reply } from "./redis.ts";

/** Reads a reply of one letter per item into words; another number of letters, or one that is not in the table, is a `DecodeError`. */
export function decodeVerdicts<V extends string>(words: Readonly<Record<string, V>>): (reply: Reply, items: number) => V[] {
  return (reply, items) => {
    if (!(reply instanceof Uint8Array) || reply.length !== items) unexpected();
    const verdicts: V[] = [];
    for (const letter of reply) verdicts.push(words[String.fromCharCode(letter)] ?? unexpected());
    return verdicts;
  };
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Reads a string reply of a script as text, whole: an id without the byte order mark it begins with would be another. */
export function decodeText(reply: Reply): string {
  return reply instanceof Uint8Array ? utf8.decode(reply) : unexpected();
}

/** The bytes before the first of a character, and those behind. @throws {DecodeError} it is none, or has none */
export function splitAt(mark: string, reply: Reply): [Uint8Array, Uint8Array] {
  if (!(reply instanceof Uint8Array)) unexpected();
  const at = reply.indexOf(mark.charCodeAt(0));
  return at < 0 ? unexpected() : [reply.subarray(0, at), reply.subarray(at + 1)];
}

/** @throws {DecodeError} */
export function unexpected(): never {
  throw new DecodeError("the reply of a script", "it is not what this version of the script answers");
}
