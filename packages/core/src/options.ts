/**
 * What may be said of a task when it is enqueued: meaning, unit, default, and the check of each.
 * @see Asynq client.go, `composeOptions`
 * @module
 */
import { type Clock, type Random, unixSec, uuid } from "./clock.ts";
import { demand } from "./demand.ts";
import { InvalidOptionError } from "./errors.ts";
import { uniqueKey } from "./keys.ts";
import type { Task, TaskInfo } from "./task.ts";
import type { TaskMessage } from "./task-message.ts";
import type { BroughtBy } from "./task-state.ts";
import { maxInt32, maxInt64 } from "./wire/field-writer.ts";

/** Options of one task. Those given at enqueue win over those of the task, one by one; `headers` are merged key by key. */
export interface EnqueueOptions {
  /** The task's id, unique in its queue. Default: a random UUID. Asynq: `TaskID`. */
  readonly taskId?: string | undefined;
  /** Default `"default"`. Asynq: `Queue`. */
  readonly queue?: string | undefined;
  /** How often a failed task is tried again; negative counts as 0. Default 25. Asynq: `MaxRetry`. */
  readonly maxRetry?: number | undefined;
  /** How long one run may take, seconds; 0 is none. Default 1800, if there is no deadline either. Asynq: `Timeout`. */
  readonly timeoutSec?: number | undefined;
  /** When a run must be over at the latest, second precision. Default none. Asynq: `Deadline`. */
  readonly deadline?: Date | undefined;
  /** For how long no second task with this queue, type and payload is taken, seconds, at least 1; from the due time when scheduled. Default: not unique. Asynq: `Unique`. */
  readonly uniqueTtlSec?: number | undefined;
  /** When the task is due, second precision; a past time is now. Excludes `processInSec`. Asynq: `ProcessAt`. */
  readonly processAt?: Date | undefined;
  /** In how many seconds the task is due. Excludes `processAt`. Asynq: `ProcessIn`. */
  readonly processInSec?: number | undefined;
  /** How long the task is kept once it is completed, seconds. Default 0: it is deleted at once. Asynq: `Retention`. */
  readonly retentionSec?: number | undefined;
  /** The group the task waits in until it is aggregated; without effect on a scheduled task, as in Asynq. Asynq: `Group`. */
  readonly group?: string | undefined;
  /** Text that travels with the task. Asynq: `Header`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Asynq's defaults. */
export const defaultMaxRetry = 25;
export const defaultTimeoutSec = 1800;
export const defaultQueue = "default";

/** A task ready to be enqueued: its message and where it goes. */
export interface NewTask {
  readonly message: TaskMessage;
  /** Due second; absent when due at once. */
  readonly processAtSec?: number | undefined;
  /** Time to live of the unique lock; absent when not unique. */
  readonly uniqueTtlSec?: number | undefined;
  readonly state: BroughtBy<"enqueue">;
}

/**
 * Makes a task's message from its options and the caller's, with Asynq's defaults, precedence and routing.
 *
 * Pure but for the id it draws: call it once per task, before the first byte leaves, and keep what it answers for every retry.
 * @throws {InvalidOptionError}
 */
export function composeTask(task: Task, given: EnqueueOptions, { clock, random }: { clock: Clock; random: Random }): NewTask {
  // By shape: the `Task` of another copy of this package is another class.
  const { type, payload, options: ofTask } = Object(task) as Task;
  demand(ofTask && typeof type === "string" && typeof payload !== "string", "task", "expected a Task");
  const {
    queue = defaultQueue,
    taskId,
    maxRetry = defaultMaxRetry,
    timeoutSec = 0,
    deadline,
    uniqueTtlSec,
    processAt,
    processInSec = 0,
    retentionSec = 0,
    group,
    headers,
  } = mergeOptions(ofTask, given);
  const nowMs = clock.nowMs();
  checkQueueName(queue);
  const id = taskId === undefined ? uuid(random) : plainText("taskId", taskId);
  const keptSec = Math.trunc(number("retentionSec", retentionSec, 0)) || undefined;
  const lockTtlSec = uniqueTtlSec === undefined ? undefined : number("uniqueTtlSec", uniqueTtlSec, 1);
  // Asynq's "none" is the very epoch: a deadline within its first second is one, though nothing of it is stored.
  const deadlineMs = deadline === undefined ? 0 : dateMs("deadline", deadline);
  const runSec = Math.trunc(number("timeoutSec", timeoutSec));
  let dueMs = nowMs;
  if (processAt !== undefined) dueMs = dateMs("processAt", processAt);
  else if (processInSec !== 0) dueMs = dateMs("processInSec", new Date(nowMs + number("processInSec", processInSec) * 1000));
  const scheduled = dueMs > nowMs;
  if (!Number.isInteger(maxRetry) || maxRetry > maxInt32)
    throw new InvalidOptionError("maxRetry", `expected a whole number of at most ${maxInt32}`);
  if (group !== undefined) {
    plainText("group", group);
    // An aggregation set is the group's key plus `:<uuid>`: a group named so would be taken for one.
    demand(!/:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(group), "group", "must not end in a colon and a UUID");
  }

  return {
    message: {
      type,
      payload,
      id,
      queue,
      retry: Math.max(0, maxRetry),
      retried: 0,
      // A part of a second was asked for, so it is not the default that holds, though none is left of it.
      timeoutSec: runSec || (deadlineMs || timeoutSec ? undefined : defaultTimeoutSec),
      deadlineSec: unixSec(deadlineMs) || undefined,
      uniqueKey: lockTtlSec === undefined ? undefined : uniqueKey(queue, type, payload),
      retentionSec: keptSec,
      groupKey: group,
      headers: headers === undefined ? undefined : checkHeaders(headers),
    },
    processAtSec: scheduled ? unixSec(dueMs) : undefined,
    // Cut when it is added, as in Asynq: of a scheduled task the parts of a second may come to a whole one.
    uniqueTtlSec: lockTtlSec && Math.floor(Math.max(0, dueMs - nowMs) / 1000 + lockTtlSec),
    state: scheduled ? "scheduled" : group === undefined ? "pending" : "aggregating",
  };
}

/** What `enqueue` answers for a task it accepted. */
export function describeTask({ message, processAtSec, state }: NewTask, nowMs: number): TaskInfo {
  const { id, queue, type, payload, headers = {}, retry, retried, timeoutSec, deadlineSec, groupKey, retentionSec = 0 } = message;
  return {
    id,
    queue,
    type,
    payload,
    headers,
    state,
    maxRetry: retry,
    retried,
    timeoutSec,
    deadline: deadlineSec === undefined ? undefined : new Date(deadlineSec * 1000),
    group: groupKey,
    retentionSec,
    nextProcessAt: state === "aggregating" ? undefined : new Date(processAtSec === undefined ? nowMs : processAtSec * 1000),
  };
}

/**
 * A name a new queue may have: not blank, at most 128 characters, no braces and no control characters, which would let the keys of
 * two queues meet or scatter over a Cluster. Queues that Go named otherwise can be read and worked all the same.
 * @throws {InvalidOptionError}
 */
export function checkQueueName(queue: string): string {
  return plainText("queue", queue, 128, "queue name must contain one or more characters");
}

/**
 * A name that can stand in a key: not blank, at most `longest` characters, no braces and no control characters.
 * @throws {InvalidOptionError}
 */
export function plainText(option: string, value: string, longest = 256, whenBlank = "expected one or more characters"): string {
  demand(typeof value === "string" && value.trim() !== "", option, whenBlank);
  if (value.length > longest) throw new InvalidOptionError(option, `expected at most ${longest} characters`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  demand(!/[{}\u0000-\u001f\u007f]/.test(value), option, "must not contain braces or control characters");
  demand(value.isWellFormed(), option, "expected well-formed Unicode");
  return value;
}

/** Options of which those given win over those of the task, one by one; `headers` are merged key by key. @throws {InvalidOptionError} */
export function mergeOptions(ofTask: EnqueueOptions, given: EnqueueOptions): EnqueueOptions {
  const merged: Record<string, unknown> = {};
  for (const options of [ofTask, given]) {
    const { processAt, processInSec } = options;
    if (processInSec !== undefined) {
      demand(
        processAt === undefined,
        `processAt of the ${options === given ? "" : "task "}options`,
        "expected either processAt or processInSec",
      );
      // One of them takes the place of either; of both it is processAt that counts.
      merged.processAt = undefined;
    }
    for (const name in options) {
      const value = options[name as keyof EnqueueOptions];
      if (value !== undefined) merged[name] = value;
    }
  }
  if (ofTask.headers && given.headers) merged.headers = { ...ofTask.headers, ...given.headers };
  return merged;
}

function checkHeaders(headers: object): Record<string, string> {
  // `Headers` and a `Map` hold what `Object.entries` does not see.
  demand(!(Symbol.iterator in Object(headers)), "headers", "expected text values");
  const checked: Record<string, string> = Object.create(null);
  for (const [key, value] of Object.entries(headers ?? {})) {
    demand(typeof value === "string", "headers", "expected text values");
    checked[key.toWellFormed()] = value.toWellFormed();
  }
  return checked;
}

function number(option: string, value: number, least = -maxInt64): number {
  if (typeof value === "number" && value >= least && value <= maxInt64) return value;
  throw new InvalidOptionError(option, `expected a number from ${least} to ${maxInt64}`);
}

function dateMs(option: string, value: Date): number {
  demand(value instanceof Date && !Number.isNaN(value.getTime()), option, "expected a valid Date");
  return value.getTime();
}
