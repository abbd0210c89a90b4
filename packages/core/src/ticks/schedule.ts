import { clearSchedulerEntries } from "../broker/scheduler-entries.ts";
import type { Broker } from "../broker.ts";
import { unixSec } from "../clock.ts";
import type { CronEntry } from "../cron/cron-entry.ts";
import { nextSlot } from "../cron/decide-slots.ts";
import { type ClaimedEntry, type FiredEntry, type FireOptions, fireDue } from "../cron/fire-due.ts";
import { askCronEntries, decodeCronEntries } from "../cron/list-cron-entries.ts";
import { moveClaim } from "../cron/move-claim.ts";
import { type CronClaim, readClaims, wrongKind } from "../cron/read-claims.ts";
import { cronSchedulerId, defaultToldForSec, type ToldEntry, tellEntries } from "../cron/tell-entries.ts";
import { readReply } from "../decode-reply.ts";
import { schedulerKey } from "../keys.ts";
import { sendPlain } from "../send-plain.ts";
import { unexpected } from "../verdicts.ts";
import { addReports, earliest, refused, runTick, type Spent, type TickOptions, type TickReport } from "./tick.ts";

export interface ScheduleOptions extends Omit<TickOptions, "queues">, FireOptions {
  /** Entries in the place of those that are stored; their claims were made by `openClaims`. */
  readonly entries?: readonly CronEntry[] | undefined;
  /** Serves entries of these queues only. Default: all. */
  readonly queues?: readonly string[] | undefined;
  /** As which scheduler, and for how long, Asynq's CLI and dashboards are told of the entries; `false`: not at all. Default: `asynqjs:0:cron`, 25 h. */
  readonly told?: false | { readonly schedulerId?: string | undefined; readonly forSec?: number | undefined } | undefined;
}

export interface ScheduleReport extends TickReport {
  /** Slots for which a task was enqueued. */
  readonly fired: number;
  /** Missed slots that were passed over, as the entry's `catchUp` says. */
  readonly skipped: number;
  /** Slots passed over since the task of an earlier one was not over. */
  readonly overlapping: number;
  /** Slots whose task another one's unique lock refused. */
  readonly duplicates: number;
  /** Slots whose task was in the queue already. */
  readonly conflicts: number;
  /** Claims that were gone: made anew, with nothing fired of the past. */
  readonly lost: number;
  /** Entries whose last edit was left half done, completed. */
  readonly moved: number;
  /** What went wrong with an entry while the others were served; one that cannot be read has no queue. */
  readonly errors: readonly { readonly queue: string; readonly entry?: string | undefined; readonly error: Error }[];
}

const nothing: ScheduleReport = {
  fired: 0,
  skipped: 0,
  overlapping: 0,
  duplicates: 0,
  conflicts: 0,
  lost: 0,
  moved: 0,
  more: false,
  errors: [],
};

/** So long after it was enqueued a task is told of again: a tick may have been killed before it told. */
const retellSec = 300;

/**
 * Fires the slots of cron entries that are due, each exactly once, some of each entry in turn, until none is due or the budget is spent;
 * completes edits that were left half done; and tells of it in Asynq's form. An entry that cannot be served is reported and holds up no other.
 *
 * May be repeated and run in any number of copies at once, and killed at any moment.
 * @throws {RedisError} the way to Redis failed
 */
export function schedule(broker: Broker, options: ScheduleOptions): Promise<ScheduleReport> {
  const tellOnce = teller(broker, options);
  return runTick(broker, { ...options, queues: [] }, (spent) => scheduleOnce(broker, options, spent, tellOnce));
}

async function scheduleOnce(broker: Broker, options: ScheduleOptions, spent: Spent, tell: Tell): Promise<ScheduleReport> {
  const { slotsBetween, signal } = options;
  const read = await readEntries(broker, options);
  const { claimed, moved, ...found } = await claimsOf(broker, read.entries, spent, signal);
  let report: ScheduleReport = { ...nothing, moved, errors: [...read.errors, ...found.errors] };
  let { more } = found;

  const startSec = unixSec(broker.clock.nowMs());
  const served = new Map<string, Omit<ToldEntry, "nextSec">>();
  for (const { entry, claim } of claimed) served.set(entry.id, { entry, claim, events: previousEvents(claim, startSec) });
  let due = claimed;
  while (due.length > 0) {
    if (spent()) {
      more = true;
      break;
    }
    const turns = await fireDue(broker, due, options);
    for (const turn of turns) {
      report = addReports(report, reportOf(turn));
      const { entry, claim, fired } = turn;
      served.set(entry.id, { entry, claim, events: [...served.get(entry.id)!.events, ...fired] });
    }
    due = turns.filter((turn) => turn.more && turn.error === undefined);
  }

  const nowSec = unixSec(broker.clock.nowMs());
  const told: ToldEntry[] = [];
  for (const one of served.values()) {
    try {
      told.push({ ...one, nextSec: nextSlot(one.entry, nowSec, slotsBetween) });
    } catch {
      // Its slots cannot be listed, which is reported already.
    }
  }
  await tell(told, read, report);
  return { ...report, more, nextSec: earliest(...told.map(({ nextSec }) => nextSec)) };
}

interface ReadEntries extends Pick<ScheduleReport, "errors"> {
  readonly entries: readonly CronEntry[];
  /** For how long yet what was told holds; nothing where nobody asked. */
  readonly toldForSec: number | undefined;
}

async function readEntries(broker: Broker, options: ScheduleOptions): Promise<ReadEntries> {
  const { queues, signal } = options;
  if (options.entries !== undefined) return { entries: options.entries.filter(ofQueues(queues)), errors: [], toldForSec: undefined };
  const [stored, left] = await sendPlain(broker.redis, [askCronEntries, ["TTL", schedulerKey(toldAs(options).schedulerId)]], { signal });
  const { entries, unreadable } = decodeCronEntries(stored!);
  return {
    entries: entries.filter(ofQueues(queues)),
    errors: unreadable.map((error) => ({ queue: "", error })),
    toldForSec: readReply(left!, (reply) => (typeof reply === "number" ? reply : unexpected())),
  };
}

function ofQueues(queues: readonly string[] | undefined): (entry: CronEntry) => boolean {
  return ({ queue }) => queues === undefined || queues.includes(queue);
}

/** The entries that can be served, with their claims: where an edit was left half done it is completed first. */
async function claimsOf(
  broker: Broker,
  entries: readonly CronEntry[],
  spent: Spent,
  signal: AbortSignal | undefined,
): Promise<{ readonly claimed: readonly ClaimedEntry[]; readonly moved: number; readonly more: boolean } & Pick<ScheduleReport, "errors">> {
  const claimed: ClaimedEntry[] = [];
  const errors: { queue: string; entry: string; error: Error }[] = [];
  const unsettled: CronEntry[] = [];
  let moved = 0;
  let more = false;
  const look = async (wanted: readonly CronEntry[], mayMove: boolean): Promise<void> => {
    for (const [i, { value: claim, error }] of (await readClaims(broker, wanted, { signal })).entries()) {
      const entry = wanted[i]!;
      const fault = error ?? (claim === "wrong-kind" ? wrongKind() : undefined);
      if (fault !== undefined) errors.push({ queue: entry.queue, entry: entry.id, error: fault });
      else if (isSettled(entry, claim as CronClaim | undefined)) claimed.push({ entry, claim: claim as CronClaim | undefined });
      else if (mayMove) unsettled.push(entry);
    }
  };
  await look(entries, true);
  const reopened: CronEntry[] = [];
  for (const entry of unsettled) {
    if (spent()) {
      more = true;
      break;
    }
    try {
      const verdict = await moveClaim(broker, entry, { signal });
      // The entry was changed since we read it: the next tick reads it anew.
      if (verdict === "stale") continue;
      moved++;
      if (verdict !== "removed") reopened.push({ ...entry, from: [] });
    } catch (error) {
      errors.push({ queue: entry.queue, entry: entry.id, error: refused(error) });
    }
  }
  if (reopened.length > 0) await look(reopened, false);
  return { claimed, moved, more, errors };
}

/** Whether a claim is where the entry's last edit wants it, or lost. */
function isSettled({ epoch, from, removed }: CronEntry, claim: CronClaim | undefined): boolean {
  return !removed && from.length === 0 && (claim === undefined || (claim.epoch === epoch && !claim.sealed));
}

/** The task enqueued last, as long as the tick that did may have been killed before it told. */
function previousEvents(claim: CronClaim | undefined, nowSec: number): ToldEntry["events"] {
  return claim?.ran === undefined || claim.ran.atSec < nowSec - retellSec ? [] : [claim.ran];
}

function reportOf({ entry, fired, skipped, overlapping, duplicates, conflicts, lost, error }: FiredEntry): ScheduleReport {
  const errors = error === undefined ? [] : [{ queue: entry.queue, entry: entry.id, error }];
  return { ...nothing, fired: fired.length, skipped, overlapping, duplicates, conflicts, lost, errors };
}

function toldAs({ told, queues }: ScheduleOptions): { readonly schedulerId: string; readonly forSec: number } {
  // Who serves some queues only must not write over what is told of the others.
  const ofThese = queues === undefined ? cronSchedulerId : `${cronSchedulerId}:${[...queues].sort().join(",")}`;
  const { schedulerId = ofThese, forSec = defaultToldForSec } = told || {};
  return { schedulerId, forSec };
}

type Tell = (entries: readonly ToldEntry[], read: ReadEntries, report: ScheduleReport) => Promise<void>;

/** Tells when there is news, and when what was told would be over by and by. */
function teller(broker: Broker, options: ScheduleOptions): Tell {
  const { told, signal } = options;
  const { schedulerId, forSec } = toldAs(options);
  let toldAtMs: number | undefined;
  return async (entries, { toldForSec }, report) => {
    if (told === false) return;
    if (entries.length === 0) {
      if (toldForSec !== undefined && toldForSec !== absent) await clearSchedulerEntries(broker, schedulerId, { signal });
      return;
    }
    const sinceMs = toldAtMs === undefined ? Number.POSITIVE_INFINITY : broker.clock.monotonicMs() - toldAtMs;
    const leftSec = toldForSec ?? forSec - sinceMs / 1000;
    const { fired, skipped, overlapping, duplicates, conflicts, lost, moved } = report;
    const news = fired + skipped + overlapping + duplicates + conflicts + lost + moved;
    const retold = entries.some(({ events }) => events.length > 0);
    if (news === 0 && !retold && leftSec > forSec - Math.min(300, forSec / 10)) return;
    await tellEntries(broker, entries, { schedulerId, forSec, signal });
    toldAtMs = broker.clock.monotonicMs();
  };
}

/** What TTL answers of a key that is not there. */
const absent = -2;
