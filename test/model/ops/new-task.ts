/** Tasks of a few ids, locks and groups, so that they meet. @module */
import { createHash } from "node:crypto";
import { composeTask, type EnqueueOptions, type NewTask, Task } from "@asynqjs/core";
import fc from "fast-check";
import type { Actor } from "../actor.ts";
import { keyOf, secOf } from "../layout.ts";
import { messageText } from "../stored-message.ts";
import type { StoredTask } from "../verbs/enqueue.ts";

export const queues: readonly [string, string] = ["a", "b"];
export const ids: readonly string[] = ["1", "2", "3", "4", "5", "summary"];
/** The last is made by who finishes a history. */
export const drainId = 5;
/** The second is named as if it were a set of the first, as Go allows groups to be named. */
export const groups: readonly [string, string] = ["g", "g:h"];

export interface TaskArgs {
  readonly queue: number;
  readonly id: number;
  /** In how many seconds it is due; 0 is now. */
  readonly dueSec: number;
  /** 0 is none. */
  readonly group: number;
  readonly lock: number;
  readonly lockSec: number;
  readonly retentionSec: number;
  readonly maxRetry: number;
}

export const taskArgs: fc.Arbitrary<TaskArgs> = fc.record({
  queue: fc.nat(1),
  id: fc.nat(4),
  dueSec: fc.constantFrom(0, 0, 0, 0, 1, 5, 400),
  group: fc.constantFrom(0, 0, 0, 1, 2),
  lock: fc.constantFrom(0, 0, 1, 2),
  lockSec: fc.constantFrom(1, 20, 600, 600, 600),
  retentionSec: fc.constantFrom(0, 10, 400),
  maxRetry: fc.constantFrom(0, 1, 3),
});

/** A type and a payload of its own for each lock; without one, any bytes. */
function contentOf({ id, lock, group }: TaskArgs): { readonly type: string; readonly payload: Uint8Array | undefined } {
  if (lock > 0) return { type: `unique:${lock}`, payload: lock === 1 ? undefined : Uint8Array.of(0xff, 0) };
  return { type: "plain", payload: Uint8Array.of(0xf0, id, group) };
}

/** What is said of a task when it is enqueued. */
export function optionsOf(args: TaskArgs): {
  readonly type: string;
  readonly payload: Uint8Array | undefined;
  readonly options: EnqueueOptions;
} {
  const options: EnqueueOptions = {
    taskId: ids[args.id]!,
    queue: queues[args.queue]!,
    processInSec: args.dueSec,
    group: args.group === 0 ? undefined : groups[args.group - 1]!,
    uniqueTtlSec: args.lock === 0 ? undefined : args.lockSec,
    retentionSec: args.retentionSec,
    maxRetry: args.maxRetry,
  };
  return { ...contentOf(args), options };
}

/** The task as core composes it. */
export function composed(args: TaskArgs, { broker }: Actor): NewTask {
  const { type, payload, options } = optionsOf(args);
  return composeTask(new Task(type, payload), options, broker);
}

/** The same task as it is to be stored, by the specification. */
export function stored(args: TaskArgs, nowMs: number): StoredTask {
  const { type, payload } = contentOf(args);
  const [queue, id] = [queues[args.queue]!, ids[args.id]!];
  const group = args.group === 0 ? undefined : groups[args.group - 1]!;
  const digest = payload === undefined ? "" : createHash("md5").update(payload).digest("hex");
  const lock = args.lock === 0 ? undefined : keyOf(queue, `unique:${type}:${digest}`);
  return {
    id,
    msg: messageText({
      type,
      payload,
      id,
      queue,
      retry: args.maxRetry,
      retried: 0,
      timeoutSec: 1800,
      uniqueKey: lock,
      retentionSec: args.retentionSec || undefined,
      groupKey: group,
    }),
    processAtSec: args.dueSec === 0 ? undefined : secOf(nowMs + args.dueSec * 1000),
    // A scheduled task does not wait in its group, as in Asynq.
    group: args.dueSec === 0 ? group : undefined,
    lock,
    lockTtlSec: lock === undefined ? undefined : args.dueSec + args.lockSec,
  };
}

export function taskText({ queue, id, dueSec, group, lock, lockSec, retentionSec, maxRetry }: TaskArgs): string {
  const words = [
    `${queues[queue]}/${ids[id]}`,
    dueSec > 0 && `in ${dueSec} s`,
    group > 0 && `group ${groups[group - 1]}`,
    lock > 0 && `lock ${lock} for ${lockSec} s`,
    retentionSec > 0 && `kept ${retentionSec} s`,
    `maxRetry ${maxRetry}`,
  ];
  return words.filter((word) => word !== false).join(" ");
}
