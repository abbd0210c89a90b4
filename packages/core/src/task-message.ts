/**
 * What Asynq stores for a task, in the hash field `msg`. Absent is `undefined` here; Asynq's zero values (0, "") exist only in `wire/`.
 * @see Asynq internal/base/base.go, `TaskMessage`
 * @module
 */

/** A stored task. Times and durations are whole seconds, as on the wire. */
export interface TaskMessage {
  readonly type: string;
  /** Opaque; absent and empty are the same bytes on the wire. */
  readonly payload?: Uint8Array | undefined;
  readonly id: string;
  readonly queue: string;
  /** How often a failure is tried again at most. */
  readonly retry: number;
  /** How many failures were counted so far. */
  readonly retried: number;
  readonly errorMsg?: string | undefined;
  readonly timeoutSec?: number | undefined;
  readonly deadlineSec?: number | undefined;
  /** The whole name of the lock's key. */
  readonly uniqueKey?: string | undefined;
  readonly lastFailedAtSec?: number | undefined;
  /** How long a completed task is kept. */
  readonly retentionSec?: number | undefined;
  readonly completedAtSec?: number | undefined;
  /** The group's name, not a key. */
  readonly groupKey?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** What may be changed in a stored message; a field given as `undefined` is taken out, one not given stays byte for byte. */
export type TaskMessageChanges = Partial<
  Pick<TaskMessage, "payload" | "retried" | "errorMsg" | "uniqueKey" | "lastFailedAtSec" | "completedAtSec">
>;
