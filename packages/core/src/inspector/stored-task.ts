/** A task as it stands in Redis, read from its hash and the place it has. @module */
import { DecodeError } from "../errors.ts";
import type { TaskInfo, TaskState } from "../task.ts";
import { decodeTaskMessage } from "../wire/decode-task-message.ts";

/** The states a stored task may be in: Asynq's, and ours. */
export type StoredState = TaskState | "js:quarantine";

/** A stored task, all of it. Asynq: `TaskInfo`. */
export interface StoredTask extends Omit<TaskInfo, "state"> {
  readonly state: StoredState;
  /** Why its last run failed; `undefined` when none did. Asynq: `LastErr`. */
  readonly lastErr: string | undefined;
  readonly lastFailedAt: Date | undefined;
  readonly completedAt: Date | undefined;
  /** What its handler wrote; `undefined` when it wrote nothing. */
  readonly result: Uint8Array | undefined;
  /** Active, but its lease has ended or there is none: a recoverer takes it back. Asynq does not say so of a task without a lease. */
  readonly isOrphaned: boolean;
}

/** A task that cannot be shown: its message cannot be read, or is gone. */
export interface UnreadableTask {
  readonly id: string;
  /** Never holds its bytes. */
  readonly why: string;
}

/** What a script reads of a task. */
export interface RawTask {
  readonly id: string;
  readonly state: string;
  /** Of the container its state names; of an active task that of its lease. 0 where there is none. */
  readonly score: number;
  readonly msg: Uint8Array | undefined;
  readonly result: Uint8Array | undefined;
}

const states: ReadonlySet<string> = new Set<StoredState>([
  "active",
  "pending",
  "scheduled",
  "retry",
  "archived",
  "completed",
  "aggregating",
  "js:quarantine",
]);

/** @throws {DecodeError} the message cannot be read, is gone, or says no state that there is */
export function readStoredTask(queue: string, { id, state, score, msg, result }: RawTask, nowMs: number): StoredTask {
  const where = `the message of task "${id}" of queue "${queue}"`;
  if (msg === undefined) throw new DecodeError(where, "it is gone");
  if (!states.has(state)) throw new DecodeError(`the state of task "${id}" of queue "${queue}"`, "it is none that a task may have");
  const {
    type,
    payload,
    headers = {},
    retry,
    retried,
    timeoutSec,
    deadlineSec,
    groupKey,
    retentionSec = 0,
    ...more
  } = decodeTaskMessage(msg, where);
  const isWaiting = state === "scheduled" || state === "retry";
  return {
    id,
    queue,
    type,
    payload,
    headers,
    state: state as StoredState,
    maxRetry: retry,
    retried,
    timeoutSec,
    deadline: toDate(deadlineSec),
    group: groupKey,
    retentionSec,
    nextProcessAt: state === "pending" ? new Date(nowMs) : isWaiting ? toDate(score) : undefined,
    lastErr: more.errorMsg,
    lastFailedAt: toDate(more.lastFailedAtSec),
    completedAt: toDate(more.completedAtSec),
    // A copy: what the client read may be a part of a larger buffer, and of a class of its own.
    result: result && new Uint8Array(result),
    isOrphaned: state === "active" && Math.floor(score) <= nowMs / 1000,
  };
}

/** Reads those that can be read; of each other why it cannot. */
export function readStoredTasks(
  queue: string,
  found: readonly RawTask[],
  nowMs: number,
): { readonly tasks: StoredTask[]; readonly unreadable: UnreadableTask[] } {
  const tasks: StoredTask[] = [];
  const unreadable: UnreadableTask[] = [];
  for (const raw of found) {
    try {
      tasks.push(readStoredTask(queue, raw, nowMs));
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      unreadable.push({ id: raw.id, why: error.message });
    }
  }
  return { tasks, unreadable };
}

/** 0 is Asynq's none. */
function toDate(sec: number | undefined): Date | undefined {
  return sec ? new Date(sec * 1000) : undefined;
}
