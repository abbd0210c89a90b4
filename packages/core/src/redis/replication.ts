import { RedisError } from "../errors.ts";
import type { CommandResult } from "../redis.ts";

/** How many replicas must have what was written, and in which time. */
export interface Replication {
  readonly replicas: number;
  readonly withinMs: number;
}

/** The command that answers on how many replicas is what was written before it on the same connection. */
export function waitCommand({ replicas, withinMs }: Replication): [string, string, string] {
  return ["WAIT", String(replicas), String(Math.max(1, Math.floor(withinMs)))];
}

/**
 * Looks at what that command was answered.
 * @throws {RedisError} too few replicas have it: it is written, and may be lost
 */
export function checkReplicated({ reply }: CommandResult, { replicas }: Replication): void {
  if (typeof reply === "number" && reply >= replicas) return;
  throw new RedisError(`redis did not replicate: written, but not on ${replicas} replica(s) in time`, {
    delivered: "unknown",
    reply: "NOREPLICAS",
  });
}
