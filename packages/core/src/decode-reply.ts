/**
 * Reads replies into values: whatever is not of the form that was asked for is a `DecodeError`, never a number that is none or a record
 * that lacks something. A Redis does not answer so, but what stands before it may.
 * @module
 */
import { RedisError } from "./errors.ts";
import type { Reply } from "./redis.ts";
import { decodeText, unexpected } from "./verdicts.ts";

/** Reads `<count>,<count>,…`, one for each name. */
export function decodeCounts<Name extends string>(...names: readonly Name[]): (reply: Reply) => Readonly<Record<Name, number>> {
  return (reply) => {
    const words = decodeText(reply).split(",");
    if (words.length !== names.length) unexpected();
    return Object.fromEntries(names.map((name, i) => [name, toCount(words[i]!)])) as Record<Name, number>;
  };
}

/** @throws {DecodeError} the text is no whole number from 0 */
export function toCount(text: string): number {
  return /^\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : unexpected();
}

/** A number from 0, or 0 and 1 for no and yes. */
export function decodeCount(reply: Reply, most: number = Number.MAX_SAFE_INTEGER): number {
  return typeof reply === "number" && Number.isSafeInteger(reply) && reply >= 0 && reply <= most ? reply : unexpected();
}

/** A score that is a time, as Redis prints it; 0 where anybody wrote one that is none, which hides no other. */
export function decodeScore(reply: Reply): number {
  const score = decodeText(reply);
  return /^\d{1,12}(\.\d+)?$/.test(score) ? Number(score) : 0;
}

/** The second at which the next of a set is due; 0 is none, and where more may be due it says nothing. */
export function toNextSec(more: boolean, next: number): number | undefined {
  return more || next === 0 ? undefined : next;
}

/** What TIME answers, seconds and microseconds, as milliseconds. */
export function decodeTime(reply: Reply): number {
  const [sec = Number.NaN, micros = Number.NaN] = decodeList(reply).map((part) => Number(decodeText(part)));
  const timeMs = sec * 1000 + micros / 1000;
  return Number.isFinite(timeMs) ? timeMs : unexpected();
}

export function decodeList(reply: Reply): readonly Reply[] {
  return Array.isArray(reply) ? reply : unexpected();
}

/** A list of so many values for each item. */
export function decodeRows<T>(replies: readonly T[], width: number): (readonly T[])[] {
  if (replies.length % width !== 0) unexpected();
  return Array.from({ length: replies.length / width }, (_, i) => replies.slice(i * width, (i + 1) * width));
}

export function decodeBytes(reply: Reply): Uint8Array {
  return reply instanceof Uint8Array ? reply : unexpected();
}

/** `undefined` for nil. */
export function decodeOptional<R>(reply: Reply, decode: (reply: Reply) => R): R | undefined {
  return reply === null ? undefined : decode(reply);
}

/** What SCAN and its kind answer. */
export function decodePage(reply: Reply): { readonly cursor: string; readonly items: readonly string[] } {
  const [cursor = null, items = null] = decodeList(reply);
  return { cursor: decodeText(cursor), items: decodeList(items).map(decodeText) };
}

/** @throws {RedisError} the reply is not what was asked for; its command was carried out */
export function readReply<R>(reply: Reply, decode: (reply: Reply) => R): R {
  try {
    return decode(reply);
  } catch (cause) {
    throw new RedisError("redis gave an answer that cannot be read", { delivered: "unknown", cause });
  }
}
