/** Differences taken apart, for the exceptions. @module */
import { type RawField, splitFields } from "../../support/wire/split-fields.ts";
import type { Difference } from "./differences.ts";
import type { Comparison, Mends } from "./exceptions.ts";
import { pairsOf, type Snapshot, taskOf } from "./snapshot.ts";

/** What a difference is about, in the words of its queue. */
export interface Place {
  readonly queue: string;
  /** What follows the queue in the key's name. */
  readonly rest: string;
  /** The task whose hash it is, or whose id is a member, an element or a lock's value. */
  readonly id: string;
}

export function placeOf({ key, name, go, ours }: Difference): Place {
  const [, queue = "", rest = ""] = /^asynq:\{(.*?)\}:(.*)$/s.exec(key) ?? [];
  if (rest.startsWith("t:")) return { queue, rest, id: rest.slice("t:".length) };
  return { queue, rest, id: rest.startsWith("unique:") ? (go ?? ours ?? "") : (name ?? "") };
}

export const onlyOurs = ({ go, ours }: Difference): boolean => go === undefined && ours !== undefined;
export const onlyGos = ({ go, ours }: Difference): boolean => go !== undefined && ours === undefined;

/** A lock that Go keeps and we do not. */
export function isLockLeft(difference: Difference): boolean {
  return difference.part === "string" && onlyGos(difference) && placeOf(difference).rest.startsWith("unique:");
}

/** A field of a task's stored message: text, or a number as such. */
export function messageField(task: Readonly<Record<string, string>>, number: number): string | undefined {
  return task.msg === undefined ? undefined : shown(splitFields(Buffer.from(task.msg, "latin1")).filter(({ field }) => field === number));
}

/** How many failures were charged. */
export function retriedOf(task: Readonly<Record<string, string>>): number {
  return Number(messageField(task, 6) ?? 0);
}

/** Fields of one number for comparing: a number as such, bytes without their tag, more than one in any order. */
export function shown(fields: readonly RawField[] | undefined): string | undefined {
  const [first, ...more] = fields ?? [];
  if (first === undefined) return undefined;
  if (more.length === 0 && first.wireType === 0)
    return String(first.value.reduceRight((value, byte) => (value << 7n) | BigInt(byte & 127), 0n));
  if (more.length === 0) return first.value.toString("latin1");
  return [first, ...more]
    .map(({ raw }) => raw.toString("latin1"))
    .sort()
    .join("");
}

export function has(snapshot: Snapshot, queue: string, id: string): boolean {
  return Object.keys(taskOf(snapshot, queue, id)).length > 0;
}

/** Makes Go's side what ours is. Lists are left: who mends one knows its order. */
export function even({ key, part, name, ours }: Difference, at: Comparison): Mends {
  switch (part) {
    case "string":
      return [ours === undefined ? ["DEL", key] : ["SET", key, ours, "KEEPTTL"]];
    case "member":
    case "score":
      return [ours === undefined ? ["ZREM", key, name!] : ["ZADD", key, ours, name!]];
    case "field":
      return [ours === undefined ? ["HDEL", key, name!] : ["HSET", key, name!, ours]];
    case "message":
      return [["HSET", key, "msg", pairsOf(at.ours, key).msg!]];
    default:
      return [];
  }
}
