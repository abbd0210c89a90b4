/** What a history is made of: what users of Asynq do, and time that passes. @module */
import type { TaskState } from "@asynqjs/core";

export const queues = ["default", "low"] as const;
export type Queue = (typeof queues)[number];
export const queuePriorities: Readonly<Record<Queue, number>> = { default: 3, low: 1 };

/** A task to enqueue. Times are seconds from the move on. */
export interface MoveTask {
  readonly type: string;
  /** Its first word says what the handler does; `undefined` is no payload. */
  readonly payload: Uint8Array | undefined;
  /** A name, made an id of this lane alone; or what the id is made of. */
  readonly id: string | Uint8Array;
  readonly options: MoveOptions;
}

export interface MoveOptions {
  readonly maxRetry?: number;
  readonly timeoutSec?: number;
  readonly deadlineInSec?: number;
  readonly uniqueTtlSec?: number;
  readonly processAtInSec?: number;
  readonly processInSec?: number;
  readonly retentionSec?: number;
  readonly group?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * What happens while a handler holds the task `hold`: it is looked at, at once or when the server has told of it, canceled, or the server
 * shuts down. Else it is let go at once.
 */
export type WhileHeld = "nothing" | "look" | "look-at-beat" | "cancel" | "shut-down";

export type Move =
  /** One after the other with Go's client, in one call with ours. */
  | { readonly move: "enqueue"; readonly queue: Queue; readonly tasks: readonly MoveTask[] }
  | { readonly move: "pass"; readonly sec: number }
  /** A server runs until nothing is left to do, and shuts down. */
  | { readonly move: "work"; readonly whileHeld: WhileHeld; readonly groupMaxSize: number | undefined }
  | { readonly move: "pause" | "unpause"; readonly queue: Queue }
  | { readonly move: "cancel"; readonly id: string }
  /** Go's inspector, in either database. */
  | { readonly move: "run" | "archive" | "delete"; readonly queue: Queue; readonly id: string }
  | { readonly move: "runAll" | "archiveAll" | "deleteAll"; readonly queue: Queue; readonly state: TaskState; readonly group?: string }
  | { readonly move: "deleteQueue"; readonly queue: Queue; readonly force: boolean }
  | { readonly move: "updatePayload"; readonly queue: Queue; readonly id: string; readonly payload: Uint8Array };

export const day = 24 * 3600;

/** A move in one line. */
export function describeMove(move: Move): string {
  return JSON.stringify(move, (_, value) => (value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value));
}
