/**
 * What is stored of a cron entry: which task, when, and the bookkeeping that lets any number of schedulers fire each of its slots once.
 * @module
 */
import { systemClock, systemRandom } from "../clock.ts";
import { demand } from "../demand.ts";
import { DecodeError } from "../errors.ts";
import { checkQueueName, composeTask, defaultQueue, type EnqueueOptions, plainText } from "../options.ts";
import { type Payload, Task } from "../task.ts";
import { parseCronSpec } from "./cron-spec.ts";

/** What is said of the tasks of an entry, as at enqueue; `processInSec` counts from the slot. */
export type CronTaskOptions = Pick<
  EnqueueOptions,
  "maxRetry" | "timeoutSec" | "deadline" | "uniqueTtlSec" | "processInSec" | "retentionSec" | "group"
>;

/** What becomes of slots that nobody was there for: none of them is fired, the latest, or each. */
export type CatchUp = "skip" | "one" | "all";

/** What becomes of a slot while the task of an earlier one is not over: it is fired all the same, or skipped. */
export type Overlap = "allow" | "skip";

/** What a caller says of an entry. */
export interface CronEntryOptions {
  /** Unique among all entries, at most 200 characters; its tasks are `<id>:<slot>`, the slot in Unix seconds. */
  readonly id: string;
  /** A cron spec of five fields, of six with the seconds first, or a descriptor such as `@daily` and `@every 1h30m`; `TZ=<zone> ` before it wins. */
  readonly spec: string;
  /** IANA name of the zone the spec is read in. Default `"UTC"`. */
  readonly timeZone?: string | undefined;
  readonly type: string;
  readonly payload?: Payload;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Default `"default"`. */
  readonly queue?: string | undefined;
  readonly options?: CronTaskOptions | undefined;
  /** Default `"one"`. */
  readonly catchUp?: CatchUp | undefined;
  /** How old a missed slot may be to be caught up, seconds. Default 86,400. */
  readonly windowSec?: number | undefined;
  /** Default `"allow"`. */
  readonly overlap?: Overlap | undefined;
  /** By how much a task may be later than its slot, seconds; how much it is depends on entry and slot alone. Default 0. */
  readonly jitterSec?: number | undefined;
  /** A paused entry fires nothing, and what it did not fire is not caught up. Default false. */
  readonly paused?: boolean | undefined;
  /** Whose deploy reconciles it; others leave it alone. */
  readonly owner?: string | undefined;
}

/** An entry as it is stored. */
export interface CronEntry {
  readonly id: string;
  readonly spec: string;
  readonly timeZone: string;
  readonly type: string;
  readonly payload: Uint8Array | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Where its claim is, too: part of its identity. */
  readonly queue: string;
  readonly options: CronTaskOptions;
  readonly catchUp: CatchUp;
  readonly windowSec: number;
  readonly overlap: Overlap;
  readonly jitterSec: number;
  readonly paused: boolean;
  readonly owner?: string | undefined;
  /** Drawn anew with every edit; an edit names the one it read. */
  readonly version: string;
  /** Slots up to here are not its own: its creation, a change of its times, the end of a pause. `@every` counts from here. */
  readonly sinceSec: number;
  /** Grows with every edit, and its claim with it: who still goes by an earlier one is refused. */
  readonly epoch: number;
  /** Earlier queues, whose claims are to be sealed before that of its queue is opened. */
  readonly from: readonly string[];
  /** Whether it is being removed: its claims are to be sealed, then it goes. */
  readonly removed: boolean;
}

/** What is said of an entry, without the bookkeeping. */
export type CronEntryTerms = Omit<CronEntry, "version" | "sinceSec" | "epoch" | "from" | "removed">;

export const defaultWindowSec = 86_400;

const defaults = {
  timeZone: "UTC",
  queue: defaultQueue,
  catchUp: "one",
  windowSec: defaultWindowSec,
  overlap: "allow",
  jitterSec: 0,
} as const;

/**
 * Checks what is said of an entry and fills in the defaults. Does no I/O.
 * @throws {InvalidOptionError} names the option
 * @throws {CronSpecError} the spec cannot be read
 */
export function checkCronEntry(given: CronEntryOptions): CronEntryTerms {
  const terms = checkTerms(given);
  parseCronSpec(terms.spec, terms.timeZone);
  return terms;
}

/** All but the spec, which is read where its times are asked for. */
function checkTerms(given: CronEntryOptions): CronEntryTerms {
  const { id, spec, payload, headers, owner, options = {}, paused = false } = given;
  const { timeZone, queue, catchUp, windowSec, overlap, jitterSec } = { ...defaults, ...defined(given) };
  plainText("id", id, 200);
  if (owner !== undefined) plainText("owner", owner);
  demand(typeof spec === "string", "spec", "expected text");
  demand(typeof timeZone === "string", "timeZone", "expected the name of a zone");
  demand(typeof paused === "boolean", "paused", "expected true or false");
  demand(catchUp === "skip" || catchUp === "one" || catchUp === "all", "catchUp", 'expected "skip", "one" or "all"');
  demand(overlap === "allow" || overlap === "skip", "overlap", 'expected "allow" or "skip"');
  for (const [name, value] of Object.entries({ windowSec, jitterSec }))
    demand(Number.isSafeInteger(value) && value >= 0, name, "expected a whole number of seconds from 0");
  const task = new Task(given.type, payload);
  const kept = pickOptions(options);
  const { message } = composeTask(task, { ...kept, headers, queue: checkQueueName(queue), taskId: "checked" }, checkedBy);
  return {
    id,
    spec,
    timeZone,
    type: message.type,
    payload: message.payload,
    headers: message.headers,
    queue,
    options: kept,
    catchUp,
    windowSec,
    overlap,
    jitterSec,
    paused,
    owner,
  };
}

/** Nothing of what it is checked with is kept. */
const checkedBy = { clock: systemClock, random: systemRandom };

const optionNames = ["maxRetry", "timeoutSec", "deadline", "uniqueTtlSec", "processInSec", "retentionSec", "group"] as const;

function pickOptions(options: CronTaskOptions): CronTaskOptions {
  return Object.fromEntries(optionNames.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])));
}

function defined<T extends object>(given: T): { [Name in keyof T]: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as never;
}

/** Whether two say the same, so that an edit from one to the other would change nothing. */
export function sayTheSame(one: CronEntryTerms, other: CronEntryTerms): boolean {
  return textOf(one) === textOf(other);
}

function textOf({ headers, ...terms }: CronEntryTerms): string {
  const { id, spec, timeZone, type, payload, queue, options, catchUp, windowSec, overlap, jitterSec, paused, owner } = terms;
  const rest = [spec, timeZone, type, queue, catchUp, windowSec, overlap, jitterSec, paused, owner];
  return JSON.stringify([
    id,
    rest,
    payload && [...payload],
    Object.entries(headers ?? {}).sort(),
    optionNames.map((name) => options[name]),
  ]);
}

/** The entry as it is stored: its version, by which an edit is compared, and its JSON. */
export function encodeCronEntry({ version, payload, options, ...entry }: CronEntry): string {
  const { deadline, ...plain } = options;
  const stored = {
    ...entry,
    payload: payload === undefined ? undefined : btoa(Array.from(payload, (byte) => String.fromCharCode(byte)).join("")),
    options: { ...plain, deadlineMs: deadline?.getTime() },
  };
  return `${version}\n${JSON.stringify(stored)}`;
}

/**
 * Reads a stored entry.
 * @throws {DecodeError} it is not what this version of asynqjs, or one beside it, writes
 */
export function decodeCronEntry(text: string): CronEntry {
  const end = text.indexOf("\n");
  try {
    const { payload, options, ...stored } = JSON.parse(text.slice(end + 1)) as Omit<CronEntry, "payload" | "options"> & {
      readonly payload?: string;
      readonly options: CronTaskOptions & { readonly deadlineMs?: number };
    };
    const { deadlineMs, ...plain } = options;
    const terms = checkTerms({
      ...stored,
      payload: payload === undefined ? undefined : Uint8Array.from(atob(payload), (char) => char.charCodeAt(0)),
      options: { ...plain, deadline: deadlineMs === undefined ? undefined : new Date(deadlineMs) },
    });
    const { sinceSec, epoch, from, removed } = stored;
    demand(end > 0, "entry", "expected a version");
    demand(Number.isSafeInteger(sinceSec) && Number.isSafeInteger(epoch) && Array.isArray(from), "entry", "expected its bookkeeping");
    return { ...terms, version: text.slice(0, end), sinceSec, epoch, from, removed: removed === true };
  } catch (cause) {
    throw new DecodeError(`the cron entry "${idIn(text)}"`, "it is not what this version of asynqjs writes", cause);
  }
}

/** The id, as far as it can be told from an entry that cannot be read. */
export function idIn(text: string): string {
  return /"id":"([^"\\]*)"/.exec(text)?.[1] ?? "?";
}
