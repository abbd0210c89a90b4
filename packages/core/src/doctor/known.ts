/** Facts from answers: what was refused, or is no answer, is not known, and says why. @module */
import { readReply } from "../decode-reply.ts";
import { DecodeError, RedisError } from "../errors.ts";
import type { CommandResult, Reply } from "../redis.ts";
import type { Known } from "./facts.ts";

/** What Redis refused, and what it does not have, is not known; a way that failed is an error. */
export async function tried<T>(asked: Promise<T>): Promise<Known<T>> {
  try {
    return { value: await asked };
  } catch (error) {
    const isAnswer =
      (error instanceof RedisError && (error.reply ?? error.status) !== undefined) || (error as Error).cause instanceof DecodeError;
    if (isAnswer) return { why: (error as Error).message };
    throw error;
  }
}

/** One command's answer, decoded. */
export function readKnown<T>({ reply, error }: CommandResult, decode: (reply: Reply) => T): Known<T> {
  if (error !== undefined) return { why: error.message };
  try {
    return { value: readReply(reply, decode) };
  } catch (cause) {
    return { why: (cause as RedisError).message };
  }
}

/** Goes on with what is known. */
export function mapKnown<T, R>(from: Known<T>, then: (value: T) => R): Known<R> {
  return from.why === undefined ? { value: then(from.value) } : { why: from.why };
}
