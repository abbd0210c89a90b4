import { checkQueueName, type EnqueueOptions, type Payload, plainText, type Random, Task, uuid } from "@asynqjs/core";
import { InvalidOptionError } from "@asynqjs/core/errors";
import type { KnownCaller } from "./callers.ts";
import { type AllowList, matches } from "./matches.ts";
import { Refusal } from "./refusal.ts";
import type { TaskVerdict } from "./verdict.ts";

/** A task of a request, ready for the client, or what is said of it at once. */
type ReadTask =
  | { readonly taskId: string; readonly queue: string; readonly task: Task; readonly options: EnqueueOptions; readonly verdict?: never }
  | { readonly verdict: TaskVerdict };

export interface ReadTasks {
  /** Whether the body is a task, and not a list of them. */
  readonly single: boolean;
  readonly tasks: readonly ReadTask[];
}

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Reads the tasks of a body. What is wrong with one concerns it alone; what is wrong with the body is thrown.
 * @throws {Refusal} no JSON, no task and no list of them, or too many
 */
export function readTasks(body: Uint8Array, caller: KnownCaller, { maxTasks, random }: { maxTasks: number; random: Random }): ReadTasks {
  const given = parseJson(body);
  const single = isObject(given) && !Object.hasOwn(given, "tasks");
  const tasks = single ? [given] : isObject(given) && Object.keys(given).length === 1 ? given.tasks : undefined;
  if (!Array.isArray(tasks) || tasks.length === 0)
    throw new Refusal("INVALID_BODY", 'expected a task, or { "tasks": […] } with at least one');
  if (tasks.length > maxTasks) throw new Refusal("TOO_MANY_TASKS", `expected at most ${maxTasks} tasks`);
  return { single, tasks: tasks.map((task) => readTask(task, caller, random)) };
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw new Refusal("INVALID_BODY", "expected JSON in UTF-8");
  }
}

function readTask(given: unknown, caller: KnownCaller, random: Random): ReadTask {
  try {
    expectOnly("task", given, ["type", "payload", "payloadBase64", "options"]);
    const { type, options = {} } = given;
    const task = new Task(type as string, readPayload(given));
    expectOnly("options", options, Object.keys(readers));
    const read: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(options)) read[name] = readers[name as keyof EnqueueOptions](name, value);
    const { taskId: ownId, queue = "default" } = read as EnqueueOptions;
    if (!matches(caller.types, task.type)) return forbidden("type");
    if (!matches(caller.queues, queue)) return forbidden("queue");
    if (ownId !== undefined && !matches(caller.taskIds, ownId)) return forbidden("taskId");
    // Drawn here, not by the client: so a caller who is told that the outcome is unknown is told the id to ask with again, and may.
    const taskId = ownId ?? beginningOf(caller.taskIds) + uuid(random);
    return { taskId, queue, task, options: { ...read, taskId, queue } };
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error;
    const { code, option, message } = error;
    return { verdict: { verdict: "error", code, option, message, delivered: "no" } };
  }
}

function beginningOf(list: AllowList): string {
  return list.find((allowed) => allowed.endsWith("*"))?.slice(0, -1) ?? "";
}

function forbidden(option: string): ReadTask {
  return {
    verdict: { verdict: "error", code: "FORBIDDEN", option, message: `this caller may not enqueue this ${option}`, delivered: "no" },
  };
}

/** How each option is read: no other is taken, and none through a prototype. */
const readers: Readonly<Record<keyof EnqueueOptions, (option: string, value: unknown) => unknown>> = {
  taskId: (option, value) => plainText(option, value as string),
  queue: (_, value) => checkQueueName(value as string),
  group: (option, value) => plainText(option, value as string),
  maxRetry: finite,
  timeoutSec: finite,
  uniqueTtlSec: finite,
  processInSec: finite,
  retentionSec: finite,
  deadline: date,
  processAt: date,
  headers(option, value) {
    if (!isObject(value) || !Object.values(value).every((text) => typeof text === "string"))
      throw new InvalidOptionError(option, "expected text values");
    return value;
  },
};

function finite(option: string, value: unknown): number {
  if (Number.isFinite(value)) return value as number;
  throw new InvalidOptionError(option, "expected a number");
}

function date(option: string, value: unknown): Date {
  const text = typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(value) ? value : "";
  const read = new Date(text);
  // `Date` takes the 29th to 31st of a shorter month for days of the next.
  const day = text.slice(0, 10);
  if (Number.isNaN(read.getTime()) || !new Date(day).toISOString().startsWith(day))
    throw new InvalidOptionError(option, "expected a date and time with its zone, as 2026-01-31T12:00:00Z");
  return read;
}

/** As `new Task` takes it: a string is its text, bytes come in base64, anything else is its JSON. */
function readPayload(given: JsonObject): Payload {
  if (!Object.hasOwn(given, "payloadBase64")) {
    expectExact(given.payload);
    return given.payload as Payload;
  }
  if (Object.hasOwn(given, "payload")) throw new InvalidOptionError("payloadBase64", "expected either payload or payloadBase64");
  const text = given.payloadBase64;
  // What `atob` forgives, a space or a missing `=`, may as well be the trace of an accident.
  if (typeof text !== "string" || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text))
    throw new InvalidOptionError("payloadBase64", "expected base64 with its padding");
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

/** Refuses what is not there any more once JSON was read: a worker would be given another number. Goes as deep as JSON does, without recursion. */
function expectExact(payload: unknown): void {
  const open = [payload];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value === "number" && Math.abs(value) > Number.MAX_SAFE_INTEGER)
      throw new InvalidOptionError("payload", "expected numbers that JavaScript holds exactly; as a string the JSON is stored as it is");
    if (typeof value === "object" && value !== null) for (const inner of Object.values(value)) open.push(inner);
  }
}

function expectOnly(option: string, given: unknown, names: readonly string[]): asserts given is JsonObject {
  if (!isObject(given) || !Object.keys(given).every((name) => names.includes(name)))
    throw new InvalidOptionError(option, `expected an object with nothing but ${names.join(", ")}`);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
