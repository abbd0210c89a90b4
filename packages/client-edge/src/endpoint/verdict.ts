import type { Delivered, InvalidOptionError, RedisError } from "@asynqjs/core/errors";
import type { EnqueueOutcome } from "../client.ts";

/**
 * What became of a task, as the answer says it. Whatever was read of it is named by `taskId` and `queue`: a call that is repeated with this id
 * enqueues no second task as long as the first is in the queue.
 */
export type TaskVerdict =
  | {
      readonly verdict: "enqueued";
      readonly taskId: string;
      readonly queue: string;
      readonly state: "pending" | "scheduled" | "aggregating";
    }
  | { readonly verdict: "task-id-conflict" | "duplicate-task"; readonly taskId: string; readonly queue: string }
  | {
      readonly verdict: "error";
      readonly code: "INVALID_OPTION" | "FORBIDDEN" | "REDIS" | "INTERNAL";
      /** `no`: nothing was written. `unknown`: it may have been. */
      readonly delivered: Delivered;
      readonly taskId?: string;
      readonly queue?: string;
      /** What cannot be used or named, such as `retentionSec` or `queue`. */
      readonly option?: string;
      readonly message?: string;
    };

/** What the answer says of a task's outcome. Of what lies behind the endpoint it tells nothing: `onHidden` is told. */
export function tellOutcome(
  { taskId, queue }: { readonly taskId: string; readonly queue: string },
  outcome: EnqueueOutcome | undefined,
  onHidden: (error: unknown) => void,
): TaskVerdict {
  if (outcome?.info) return { verdict: "enqueued", taskId, queue, state: outcome.info.state as "pending" };
  const error: { readonly code?: string } | undefined = outcome?.error;
  switch (error?.code) {
    case "TASK_ID_CONFLICT":
      return { verdict: "task-id-conflict", taskId, queue };
    case "DUPLICATE_TASK":
      return { verdict: "duplicate-task", taskId, queue };
    case "INVALID_OPTION": {
      const { option, message } = error as InvalidOptionError;
      return { verdict: "error", code: "INVALID_OPTION", option, message, delivered: "no", taskId, queue };
    }
    case "REDIS":
      onHidden(error);
      return { verdict: "error", code: "REDIS", delivered: (error as RedisError).delivered, taskId, queue };
    default:
      onHidden(error);
      return { verdict: "error", code: "INTERNAL", delivered: "unknown", taskId, queue };
  }
}

/** The status of an answer: the highest of its tasks', so that 202 says that all are enqueued. */
export function statusOfAll(verdicts: readonly TaskVerdict[]): number {
  return Math.max(...verdicts.map(statusOf));
}

function statusOf(told: TaskVerdict): number {
  switch (told.verdict) {
    case "enqueued":
      return 202;
    case "task-id-conflict":
    case "duplicate-task":
      return 409;
    case "error":
      return told.code === "REDIS" ? (told.delivered === "no" ? 503 : 502) : errorStatus[told.code];
  }
}

const errorStatus = { INVALID_OPTION: 400, FORBIDDEN: 403, INTERNAL: 500 } as const;
