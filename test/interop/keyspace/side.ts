import type { EnqueueOptions } from "@asynqjs/core";
import type { GoVersion } from "../go-programs.ts";
import type { Move, MoveTask } from "./moves.ts";
import type { Database, Snapshot } from "./snapshot.ts";

export type Work = Extract<Move, { move: "work" }>;

/** What a move means here and now, for either side. */
export interface Moment {
  /** Epoch milliseconds, before Go began. */
  readonly startMs: number;
  readonly queue: string;
  readonly optionsOf: (task: MoveTask) => EnqueueOptions;
  /** A task's id, or what it is made of. */
  readonly idOf: (task: MoveTask) => { readonly taskId?: string; readonly chance?: Uint8Array };
  /** The ids of the tasks that handlers hold, one of each queue: Go's cancelations know ids only. */
  readonly heldIds: readonly string[];
  /** Whether a failed task waits a time that is the same on both sides. */
  readonly fixedDelay: boolean;
  /** What another move means at the same time. */
  readonly of: (move: Move) => Moment;
}

/** One of the two that do the same, in a database of its own. */
export interface Side {
  readonly database: Database;
  /** From now on a new client enqueues; where a history begins aggregated tasks are counted anew. */
  renew(begins: boolean): Promise<void>;
  /** Answers the state of each task, or Asynq's words for why it was refused. */
  enqueue(move: Extract<Move, { move: "enqueue" }>, moment: Moment): Promise<readonly string[]>;
  /** Lets time pass. */
  pass(sec: number): Promise<void>;
  pause(queue: string): Promise<void>;
  unpause(queue: string): Promise<void>;
  cancel(ids: readonly string[]): Promise<void>;
  /** Answers what was seen while a handler held its task, if that was to be looked at. */
  work(move: Work, moment: Moment): Promise<Snapshot | undefined>;
}

/** Versions before v0.25.0 look every 8 s, whatever is set: there neither side has a janitor. */
export function janitorIsQuick(version: GoVersion): boolean {
  return version === "v0.25.1" || version === "v0.26.0";
}
