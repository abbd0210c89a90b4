import type { DequeuedTask, TaskMessage } from "@asynqjs/core";
import { decodeTaskMessage } from "@asynqjs/core/wire";
import { runDeadlineMs } from "./task-deadline.ts";

/** A task whose run starts at `startedAtMs` and must be over at `deadlineMs`, epoch milliseconds; or why its message cannot be read. */
export type ReadTask =
  | { readonly message: TaskMessage; readonly startedAtMs: number; readonly deadlineMs: number; readonly unreadable?: never }
  | { readonly message?: never; readonly unreadable: unknown };

/** Reads the message of a task whose run starts now. Queue and id are those it was found under, whatever the message says. */
export function readTask({ queue, id, msg }: DequeuedTask, startedAtMs: number): ReadTask {
  try {
    const message = { ...decodeTaskMessage(msg, `the message of task "${id}" of queue "${queue}"`), queue, id };
    return { message, startedAtMs, deadlineMs: runDeadlineMs(message, startedAtMs) };
  } catch (unreadable) {
    return { unreadable };
  }
}
