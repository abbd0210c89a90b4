import { maxSchedulerEvents, type StoredSchedulerEvent, tellSchedulerEntries, tellSchedulerEvents } from "../broker/scheduler-entries.ts";
import type { Broker } from "../broker.ts";
import { unixSec } from "../clock.ts";
import { allSchedulers, schedulerKey } from "../keys.ts";
import type { SendOptions } from "../redis.ts";
import { runAll } from "../script.ts";
import { sendPlain } from "../send-plain.ts";
import { splitCalls } from "../split-calls.ts";
import { encodeSchedulerEnqueueEvent, encodeSchedulerEntry } from "../wire/scheduler-entry.ts";
import { goZeroTimeNs } from "../wire/timestamp.ts";
import type { CronEntry } from "./cron-entry.ts";
import type { FiredSlot } from "./fire-due.ts";
import { slotOf } from "./make-cron-task.ts";
import { optionTexts } from "./option-text.ts";
import type { CronClaim } from "./read-claims.ts";

/** What the entries in Redis are told as: one scheduler, whoever runs the ticks. Asynq's are `<host>:<pid>:<uuid>`. */
export const cronSchedulerId = "asynqjs:0:cron";

/** What is told holds for longer than a day: that much may a tick be late. */
export const defaultToldForSec = 90_000;

/** How long the history of an entry is kept after its last task. */
export const historyTtlSec = 90 * 24 * 3600;

/** What was told is told again when it is so old: an edit may have been cut short before it said that there is news. */
export const mostOldSec = 300;

/** An entry, when it fires next, and what it fired. */
export interface ToldEntry {
  readonly entry: CronEntry;
  readonly claim: CronClaim | undefined;
  readonly nextSec: number | undefined;
  /** Events to be recorded; one that is there already is kept once. */
  readonly events: readonly Pick<FiredSlot, "taskId" | "atSec">[];
}

/** A request tells of about so many events. */
const eventsPerRequest = 1_000;

/**
 * Tells of entries and of what they fired in Asynq's form, for its CLI and dashboards; in one request, unless very much was caught up.
 *
 * May be repeated: yes, it writes the same.
 * @throws {RedisError}
 */
export async function tellEntries(
  broker: Broker,
  entries: readonly ToldEntry[],
  { schedulerId, forSec, ...options }: SendOptions & { readonly schedulerId: string; readonly forSec: number },
): Promise<void> {
  const told = entries.filter(({ entry }) => !entry.paused).map(encode);
  const histories = entries.flatMap(({ entry, events }) =>
    events.length === 0 ? [] : [tellSchedulerEvents(entry.id, events.slice(-maxSchedulerEvents).map(eventOf), historyTtlSec)],
  );
  const requests = splitCalls(histories, { items: eventsPerRequest, bytes: eventsPerRequest }, ({ items }) => items);
  if (told.length > 0) requests[0] = [tellSchedulerEntries(broker, schedulerId, told, forSec), ...(requests[0] ?? [])];
  for (const request of requests) {
    const outcomes = await runAll(broker, request, options);
    for (const { error, beforeError = error } of outcomes) if (beforeError) throw beforeError;
  }
}

/** Has the next tick tell anew, since an entry was changed: what is told is made old. It stays until then. */
export async function tellAnew({ redis, clock }: Broker, options: SendOptions = {}): Promise<void> {
  const key = schedulerKey(cronSchedulerId);
  const forSec = defaultToldForSec - mostOldSec;
  await sendPlain(
    redis,
    [
      ["EXPIRE", key, String(forSec)],
      ["ZADD", allSchedulers, "XX", String(unixSec(clock.nowMs()) + forSec), key],
    ],
    options,
  );
}

/** What the history of an entry keeps of a task. */
export function eventOf({ taskId, atSec }: Pick<FiredSlot, "taskId" | "atSec">): StoredSchedulerEvent {
  return { atSec, event: encodeSchedulerEnqueueEvent({ taskId, enqueuedAtNs: nsOf(atSec) }) };
}

function encode({ entry, claim, nextSec }: ToldEntry): Uint8Array {
  const { id, spec, type, payload, queue, options, headers } = entry;
  const ran = claim?.ran;
  return encodeSchedulerEntry({
    id,
    spec,
    taskType: type,
    taskPayload: payload,
    enqueueOptions: optionTexts({ queue, ...options, headers }),
    nextEnqueueAtNs: nextSec === undefined ? goZeroTimeNs : nsOf(nextSec),
    prevEnqueueAtNs: ran === undefined ? goZeroTimeNs : nsOf(slotOf(ran.taskId) ?? ran.atSec),
  });
}

function nsOf(sec: number): bigint {
  return BigInt(sec) * 1_000_000_000n;
}
