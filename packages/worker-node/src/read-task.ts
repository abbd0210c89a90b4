import type { DequeuedTask, TaskMessage } from "@asynqjs/core";
import { decodeTaskMessage, glanceAtTaskMessage } from "@asynqjs/core/wire";
import { runDeadlineMs } from "./task-deadline.ts";

/** A task whose run starts at `startedAtMs` and must be over at `deadlineMs`, epoch milliseconds; or why its message cannot be read. */
export type ReadTask =
  | { readonly message: TaskMessage; readonly startedAtMs: number; readonly deadlineMs: number; readonly unreadable?: never }
  | { readonly message?: never; readonly unreadable: unknown };

/**
 * Reads the message of a task whose run starts now. Queue and id are those it was found under, whatever the message says. The payload may be
 * a view of the message.
 */
export function readTask(task: DequeuedTask, startedAtMs: number): ReadTask {
  const { queue, id, msg } = task;
  try {
    const message = glanceAtTaskMessage(msg, task) ?? {
      ...decodeTaskMessage(msg, `the message of task "${id}" of queue "${queue}"`),
      queue,
      id,
    };
    return { message, startedAtMs, deadlineMs: runDeadlineMs(message, startedAtMs) };
  } catch (unreadable) {
    return { unreadable };
  }
}
