import type { Broker } from "../broker.ts";
import { unixSec } from "../clock.ts";
import type { CronEntry } from "../cron/cron-entry.ts";
import { nextSlot, type SlotsBetween } from "../cron/decide-slots.ts";
import { type FiredEntry, type FireOptions, fireDue } from "../cron/fire-due.ts";
import { askCronEntries, decodeCronEntries } from "../cron/list-cron-entries.ts";
import { settleClaims } from "../cron/settle-claims.ts";
import { cronSchedulerId, defaultToldForSec, type ToldEntry } from "../cron/tell-entries.ts";
import { type Tell, type ToldAs, teller } from "../cron/teller.ts";
import { readReply } from "../decode-reply.ts";
import { CronEntryExistsError } from "../errors.ts";
import { schedulerKey } from "../keys.ts";
import { sendPlain } from "../send-plain.ts";
import { unexpected } from "../verdicts.ts";
import { addReports, earliest, runTick, type Spent, type TickOptions, type TickReport } from "./tick.ts";

export interface ScheduleOptions extends Omit<TickOptions, "queues">, Omit<FireOptions, "nowMs"> {
  /** Entries in the place of those that are stored; their claims were made by `openClaims`. */
  readonly entries?: readonly CronEntry[] | undefined;
  /** Serves entries of these queues only. Default: all. */
  readonly queues?: readonly string[] | undefined;
  /** As which scheduler, and for how long, Asynq's CLI and dashboards are told of the entries; `false`: not at all. Default: `asynqjs:0:cron`, 25 h. */
  readonly told?: false | Partial<ToldAs> | undefined;
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
  const tell = teller(broker, { ...toldAs(options), signal: options.signal });
  return runTick(broker, { ...options, queues: [] }, (spent) => scheduleOnce(broker, options, spent, tell));
}

async function scheduleOnce(broker: Broker, options: ScheduleOptions, spent: Spent, tell: Tell): Promise<ScheduleReport> {
  const { slotsBetween, told, signal } = options;
  const { entries, leftSec, errors } = await readEntries(broker, options);
  const settled = await settleClaims(broker, entries, { spent, signal });
  // An entry that is nowhere stored is edited by nobody: its id is, or was, that of one in Redis.
  const foreign = options.entries === undefined ? [] : settled.stale;
  const taken = foreign.map(({ queue, id }) => ({ queue, entry: id, error: new CronEntryExistsError(id) }));
  let report: ScheduleReport = { ...nothing, moved: settled.moved, errors: [...errors, ...settled.errors, ...taken] };
  let { claimed: due, more } = settled;

  const served = new Map<string, Omit<ToldEntry, "nextSec">>();
  for (const entry of entries) if (!entry.removed) served.set(entry.id, { entry, claim: undefined, events: [] });
  const retoldSec = unixSec(broker.clock.nowMs()) - retellSec;
  for (const { entry, claim } of due) {
    const ran = claim?.ran;
    served.set(entry.id, { entry, claim, events: ran === undefined || ran.atSec < retoldSec ? [] : [ran] });
  }
  while (due.length > 0) {
    if (spent()) {
      more = true;
      break;
    }
    const turns = await fireDue(broker, due, options);
    for (const turn of turns) {
      const { entry, claim, fired } = turn;
      report = addReports(report, reportOf(turn));
      served.set(entry.id, { entry, claim, events: [...served.get(entry.id)!.events, ...fired] });
    }
    due = turns.filter((turn) => turn.more && turn.error === undefined);
  }

  const listed = Array.from(served.values(), (one) => ({ ...one, nextSec: nextOf(one.entry, broker, slotsBetween) }));
  const isNews = Object.values(report).some((count) => typeof count === "number" && count > 0);
  if (told !== false) await tell(listed, isNews, leftSec);
  return { ...report, more, nextSec: earliest(...listed.map(({ nextSec }) => nextSec)) };
}

interface ReadEntries extends Pick<ScheduleReport, "errors"> {
  readonly entries: readonly CronEntry[];
  /** For how long what was told before holds, as TTL answers it. */
  readonly leftSec?: number;
}

async function readEntries(broker: Broker, options: ScheduleOptions): Promise<ReadEntries> {
  const { queues, signal } = options;
  const isServed = ({ queue }: CronEntry): boolean => queues === undefined || queues.includes(queue);
  if (options.entries !== undefined) return { entries: options.entries.filter(isServed), errors: [] };
  const [stored, left] = await sendPlain(broker.redis, [askCronEntries, ["TTL", schedulerKey(toldAs(options).schedulerId)]], { signal });
  const { entries, unreadable } = decodeCronEntries(stored!);
  return {
    entries: entries.filter(isServed),
    leftSec: readReply(left!, (reply) => (typeof reply === "number" ? reply : unexpected())),
    errors: unreadable.map((error) => ({ queue: "", error })),
  };
}

function reportOf({ entry, fired, skipped, overlapping, duplicates, conflicts, lost, error }: FiredEntry): ScheduleReport {
  const errors = error === undefined ? [] : [{ queue: entry.queue, entry: entry.id, error }];
  return { ...nothing, fired: fired.length, skipped, overlapping, duplicates, conflicts, lost, errors };
}

/** The next slot of an entry; nothing where its slots cannot be listed either, which is reported already. */
function nextOf(entry: CronEntry, { clock }: Broker, slotsBetween: SlotsBetween): number | undefined {
  try {
    return nextSlot(entry, unixSec(clock.nowMs()), slotsBetween);
  } catch {
    return undefined;
  }
}

function toldAs({ told, queues }: ScheduleOptions): ToldAs {
  // Who serves some queues only must not write over what is told of the others.
  const ofThese = queues === undefined ? cronSchedulerId : `${cronSchedulerId}:${[...queues].sort().join(",")}`;
  const { schedulerId = ofThese, forSec = defaultToldForSec } = told || {};
  return { schedulerId, forSec };
}
