/**
 * What may be said of a task when it is enqueued: meaning, unit, default, and the check of each.
 * @see Asynq client.go, `composeOptions`
 * @module
 */
import { type Clock, type Random, unixSec, uuid } from "./clock.ts";
import { InvalidOptionError } from "./errors.ts";
import { uniqueKey } from "./keys.ts";
import type { Task, TaskInfo } from "./task.ts";
import type { TaskMessage } from "./task-message.ts";

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
  readonly state: "pending" | "scheduled" | "aggregating";
}

/**
 * Makes a task's message from its options and the caller's, with Asynq's defaults, precedence and routing.
 *
 * Pure but for the id it draws: call it once per task, before the first byte leaves, and keep what it answers for every retry.
 * @throws {InvalidOptionError}
 */
export function composeTask(task: Task, given: EnqueueOptions, { clock, random }: { clock: Clock; random: Random }): NewTask {
  const options = mergeOptions(task.options, given);
  const nowMs = clock.nowMs();
  const queue = options.queue === undefined ? defaultQueue : checkQueueName(options.queue);
  const id = options.taskId === undefined ? uuid(random) : checkName("taskId", options.taskId);
  const retentionSec = seconds("retentionSec", options.retentionSec ?? 0, 0);
  const uniqueTtlSec = options.uniqueTtlSec === undefined ? undefined : seconds("uniqueTtlSec", options.uniqueTtlSec, 1);
  const deadlineSec = options.deadline === undefined ? undefined : unixSec(dateMs("deadline", options.deadline)) || undefined;
  let timeoutSec =
    options.timeoutSec === undefined ? undefined : seconds("timeoutSec", options.timeoutSec, Number.NEGATIVE_INFINITY) || undefined;
  if (timeoutSec === undefined && deadlineSec === undefined && !options.timeoutSec) timeoutSec = defaultTimeoutSec;
  const processAtMs = dueMs(options, nowMs);
  const scheduled = processAtMs !== undefined && processAtMs > nowMs;
  const group = options.group === undefined ? undefined : checkGroup(options.group);
  const lock = uniqueTtlSec === undefined ? undefined : uniqueKey(queue, task.type, task.payload);

  return {
    message: {
      type: task.type,
      payload: task.payload,
      id,
      queue,
      retry: Math.max(0, integer("maxRetry", options.maxRetry ?? defaultMaxRetry, 2 ** 31 - 1)),
      retried: 0,
      timeoutSec,
      deadlineSec,
      uniqueKey: lock,
      retentionSec: retentionSec || undefined,
      groupKey: group,
      headers: checkHeaders(options.headers),
    },
    processAtSec: scheduled ? unixSec(processAtMs) : undefined,
    uniqueTtlSec:
      uniqueTtlSec === undefined ? undefined : scheduled ? Math.floor((processAtMs - nowMs) / 1000 + uniqueTtlSec) : uniqueTtlSec,
    state: scheduled ? "scheduled" : group === undefined ? "pending" : "aggregating",
  };
}

/** What `enqueue` answers for a task it accepted. */
export function describeTask({ message, processAtSec, state }: NewTask, nowMs: number): TaskInfo {
  return {
    id: message.id,
    queue: message.queue,
    type: message.type,
    payload: message.payload,
    headers: message.headers ?? {},
    state,
    maxRetry: message.retry,
    retried: message.retried,
    timeoutSec: message.timeoutSec,
    deadline: message.deadlineSec === undefined ? undefined : new Date(message.deadlineSec * 1000),
    group: message.groupKey,
    retentionSec: message.retentionSec ?? 0,
    nextProcessAt: state === "aggregating" ? undefined : new Date(processAtSec === undefined ? nowMs : processAtSec * 1000),
  };
}

/**
 * A name a new queue may have: not blank, at most 128 characters, no braces and no control characters, which would let the keys of
 * two queues meet or scatter over a Cluster. Queues that Go named otherwise can be read and worked all the same.
 * @throws {InvalidOptionError}
 */
export function checkQueueName(queue: string): string {
  if (typeof queue !== "string" || queue.trim() === "")
    throw new InvalidOptionError("queue", "queue name must contain one or more characters");
  return plainText("queue", queue, 128);
}

function checkName(option: string, value: string): string {
  if (typeof value !== "string" || value.trim() === "") throw new InvalidOptionError(option, "expected one or more characters");
  return plainText(option, value, 256);
}

/** An aggregation set is the group's key plus `:<uuid>`: a group named so would be taken for one. */
function checkGroup(group: string): string {
  checkName("group", group);
  if (/:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(group))
    throw new InvalidOptionError("group", "must not end in a colon and a UUID");
  return group;
}

function plainText(option: string, value: string, longest: number): string {
  if (value.length > longest) throw new InvalidOptionError(option, `expected at most ${longest} characters`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/[{}\u0000-\u001f\u007f]/.test(value)) throw new InvalidOptionError(option, "must not contain braces or control characters");
  if (!value.isWellFormed()) throw new InvalidOptionError(option, "expected well-formed Unicode");
  return value;
}

function mergeOptions(ofTask: EnqueueOptions, given: EnqueueOptions): EnqueueOptions {
  for (const [where, { processAt, processInSec }] of [
    ["task options", ofTask],
    ["options", given],
  ] as const) {
    if (processAt !== undefined && processInSec !== undefined)
      throw new InvalidOptionError(`processAt of the ${where}`, "expected either processAt or processInSec");
  }
  const merged: Record<string, unknown> = { ...ofTask };
  if (given.processAt !== undefined || given.processInSec !== undefined) {
    delete merged.processAt;
    delete merged.processInSec;
  }
  for (const [name, value] of Object.entries(given)) if (value !== undefined) merged[name] = value;
  if (ofTask.headers !== undefined && given.headers !== undefined) merged.headers = { ...ofTask.headers, ...given.headers };
  return merged;
}

function dueMs({ processAt, processInSec }: EnqueueOptions, nowMs: number): number | undefined {
  if (processAt !== undefined) return dateMs("processAt", processAt);
  if (processInSec !== undefined) return nowMs + number("processInSec", processInSec) * 1000;
  return undefined;
}

function checkHeaders(headers: EnqueueOptions["headers"]): TaskMessage["headers"] {
  if (headers === undefined) return undefined;
  const checked: Record<string, string> = Object.create(null);
  for (const [key, value] of Object.entries(headers)) {
    if (typeof value !== "string") throw new InvalidOptionError("headers", "expected text values");
    checked[key.toWellFormed()] = value.toWellFormed();
  }
  return checked;
}

function number(option: string, value: number): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new InvalidOptionError(option, "expected a finite number");
  return value;
}

function integer(option: string, value: number, most: number): number {
  if (!Number.isSafeInteger(value) || value > most) throw new InvalidOptionError(option, `expected a whole number up to ${most}`);
  return value;
}

/** Whole seconds, cut as Asynq cuts durations. */
function seconds(option: string, value: number, least: number): number {
  if (number(option, value) < least) throw new InvalidOptionError(option, `expected at least ${least} seconds`);
  return integer(option, Math.trunc(value), Number.MAX_SAFE_INTEGER);
}

function dateMs(option: string, value: Date): number {
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) throw new InvalidOptionError(option, "expected a valid Date");
  return value.getTime();
}
