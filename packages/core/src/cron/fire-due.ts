import type { Broker } from "../broker.ts";
import { byQueue } from "../by-queue.ts";
import { unixNs, unixSec } from "../clock.ts";
import { DuplicateTaskError, TaskIdConflictError } from "../errors.ts";
import { allQueues, groupsKey, pendingKey, queuePrefix, scheduledKey } from "../keys.ts";
import type { NewTask } from "../options.ts";
import type { SendOptions } from "../redis.ts";
import { bind, runAll } from "../script.ts";
import { type CallBounds, splitCalls } from "../split-calls.ts";
import { encodeTaskMessage } from "../wire/encode-task-message.ts";
import { claimSlotsScript, type SlotVerdict } from "./claim-slots.ts";
import type { CronEntry } from "./cron-entry.ts";
import { decideSlots, mostSlots, type SlotsBetween } from "./decide-slots.ts";
import { makeCronTask } from "./make-cron-task.ts";
import { type CronClaim, wrongKind } from "./read-claims.ts";

/** A call claims at most so many slots: half as many as it may enqueue tasks, since each costs twice as much. */
const maxPerClaim: CallBounds = { items: 500, bytes: 1024 * 1024 };

/** An entry and its claim as it was read; none where it was lost. */
export interface ClaimedEntry {
  readonly entry: CronEntry;
  readonly claim: CronClaim | undefined;
}

/** A slot for which a task was enqueued. */
export interface FiredSlot {
  readonly slotSec: number;
  readonly taskId: string;
  readonly atSec: number;
}

/** What became of the slots of one entry in one turn. */
export interface FiredEntry extends ClaimedEntry {
  readonly fired: readonly FiredSlot[];
  /** Missed slots that were passed over. */
  readonly skipped: number;
  readonly overlapping: number;
  readonly duplicates: number;
  readonly conflicts: number;
  /** 1 where its claim was lost, and is there again from now on. */
  readonly lost: number;
  /** Whether later slots may be due. */
  readonly more: boolean;
  /** Whether somebody else was faster, who sees to the rest. */
  readonly beaten: boolean;
  readonly error?: Error | undefined;
}

/** What is told of each slot on the way. What a hook throws ends the turn. */
export interface SlotHooks {
  /** A task is about to be enqueued, if nobody else is faster. */
  readonly before?: ((entry: CronEntry, task: NewTask) => void) | undefined;
  /** It was enqueued, or refused: with the error. */
  readonly after?: ((entry: CronEntry, task: NewTask, error: Error | undefined) => void) | undefined;
}

/** How a turn goes about it. */
export interface FireOptions extends Pick<SendOptions, "signal"> {
  /** The times of a spec; `@asynqjs/cron-fn` has one. */
  readonly slotsBetween: SlotsBetween;
  /** How old a slot may be to be on time, seconds; an older one was missed. Default 90. */
  readonly graceSec?: number | undefined;
  readonly hooks?: SlotHooks | undefined;
  /** Up to when slots are due. Default: the time of the broker's clock. */
  readonly nowMs?: number | undefined;
}

/** What is asked of the claim of an entry: one slot, or that it move on without a task. */
export interface SlotClaim {
  /** Place of the entry among those of this turn. */
  readonly at: number;
  readonly entry: CronEntry;
  /** The slot the claim must be at: `*` any, nothing where there is none. */
  readonly from: string;
  /** The slot it moves to: nothing where it stays. */
  readonly slot: string;
  readonly overlap: CronEntry["overlap"];
  readonly task?: NewTask | undefined;
}

/**
 * Decides and fires what is due of each entry by now: at most 100 slots of each, and of very many entries at least one; one call per queue
 * and chunk, all in one request. What became of each, in order, with its claim as it is then.
 *
 * May be repeated, and by any number at once: a slot is decided by who claims it first.
 * @throws {RedisError} the way to Redis failed: a slot may be decided, and is not fired again
 */
export async function fireDue(
  broker: Broker,
  due: readonly ClaimedEntry[],
  { slotsBetween, graceSec, hooks = {}, nowMs = broker.clock.nowMs(), signal }: FireOptions,
): Promise<FiredEntry[]> {
  const nowSec = unixSec(nowMs);
  const most = Math.max(1, Math.min(mostSlots.fired, Math.floor(maxPerClaim.items / due.length)));
  const claims: SlotClaim[] = [];
  const results = due.map(({ entry, claim }, at): Mutable<FiredEntry> => {
    const result = { ...nothing, entry, claim };
    if (claim === undefined) claims.push({ at, entry, from: "", slot: "", overlap: entry.overlap });
    if (claim === undefined || entry.paused) return result;
    try {
      const { fire, upToSec, skipped, more } = decideSlots(entry, claim.slotSec, nowSec, slotsBetween, graceSec, most);
      let from = claim.slotSec;
      const own = fire.map((slotSec): SlotClaim => {
        const one = {
          at,
          entry,
          from: String(from),
          slot: String(slotSec),
          overlap: entry.overlap,
          task: makeCronTask(entry, slotSec, broker),
        };
        from = slotSec;
        return one;
      });
      if (from < upToSec) own.push({ at, entry, from: String(from), slot: String(upToSec), overlap: entry.overlap });
      claims.push(...own);
      return { ...result, skipped, more };
    } catch (error) {
      return { ...result, error: error as Error };
    }
  });

  for (const { entry, task } of claims) if (task !== undefined) hooks.before?.(entry, task);
  const verdicts = await claimSlots(broker, claims, { nowMs, signal });
  const refused = new Set<number>();
  for (const [i, { at, entry, slot, task }] of claims.entries()) {
    const result = results[at]!;
    const { verdict, error } = verdicts[i]!;
    if (task !== undefined && !refused.has(at)) tellAfter(hooks, entry, task, verdicts[i]!);
    if (error) result.error ??= error;
    else if (!refused.has(at)) count(result, verdict!, { slot, task, nowSec });
    if (error || !decided.has(verdict!)) {
      result.beaten ||= verdict === "claimed";
      if (!refused.has(at) && result.claim?.slotSec === due[at]!.claim?.slotSec) result.skipped = 0;
      result.more = false;
      refused.add(at);
    }
  }
  return results;
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

const nothing = { fired: [], skipped: 0, overlapping: 0, duplicates: 0, conflicts: 0, lost: 0, more: false, beaten: false } as const;

/** A slot that somebody else claimed, or that is passed over, is nobody's business here. */
function tellAfter({ after }: SlotHooks, entry: CronEntry, task: NewTask, { verdict, error }: ClaimOutcome): void {
  if (error !== undefined || verdict === "enqueued") after?.(entry, task, error);
  else if (verdict === "task-id-conflict") after?.(entry, task, new TaskIdConflictError(entry.queue, task.message.id));
  else if (verdict === "duplicate-task") after?.(entry, task, new DuplicateTaskError(entry.queue, entry.type));
}

/** By these the slot is decided, and what comes after it can be. */
const decided: ReadonlySet<SlotVerdict> = new Set(["enqueued", "moved", "overlapping", "task-id-conflict", "duplicate-task"]);

function count(
  result: Mutable<FiredEntry>,
  verdict: SlotVerdict,
  { slot, task, nowSec }: { readonly slot: string; readonly task: NewTask | undefined; readonly nowSec: number },
): void {
  const { entry, claim } = result;
  if (decided.has(verdict)) result.claim = { ...claim!, slotSec: Number(slot) };
  switch (verdict) {
    case "enqueued": {
      const fired = { slotSec: Number(slot), taskId: task!.message.id, atSec: nowSec };
      result.fired = [...result.fired, fired];
      result.claim = { ...result.claim!, ran: fired };
      return;
    }
    case "overlapping":
      result.overlapping++;
      return;
    case "duplicate-task":
      result.duplicates++;
      return;
    case "task-id-conflict":
      result.conflicts++;
      return;
    case "recreated":
      result.lost++;
      result.claim = { slotSec: nowSec, epoch: entry.epoch, sealed: false };
      return;
    case "wrong-kind":
      result.error = wrongKind();
      return;
    case "moved":
    case "missing":
    case "claimed":
    case "sealed":
      return;
    default:
      verdict satisfies never;
  }
}

type ClaimOutcome = { readonly verdict: SlotVerdict; readonly error?: never } | { readonly verdict?: never; readonly error: Error };

/** Claims slots, those of a queue in order; a verdict, or the error of its call, for each. */
export async function claimSlots(
  broker: Broker,
  claims: readonly SlotClaim[],
  { nowMs, ...options }: SendOptions & { readonly nowMs: number },
): Promise<ClaimOutcome[]> {
  const encoded = claims.map((claim, place) => ({
    claim,
    place,
    msg: claim.task === undefined ? new Uint8Array() : encodeTaskMessage(claim.task.message),
  }));
  const calls = [...byQueue(encoded, ({ claim }) => claim.entry.queue)].flatMap(([queue, items]) =>
    splitCalls(
      items.map(({ item }) => item),
      maxPerClaim,
      ({ msg }) => ("bytes" in msg ? msg.bytes : msg).length,
    ).map((some) => ({
      places: some.map(({ place }) => place),
      script: bind(claimSlotsScript, {
        queue,
        keys: { pending: pendingKey(queue), scheduled: scheduledKey(queue), groups: groupsKey(queue) },
        args: { prefix: queuePrefix(queue), now_s: unixSec(nowMs), now_ns: unixNs(nowMs) },
        items: some.map(({ claim: { entry, from, slot, overlap, task }, msg }) => ({
          entry: entry.id,
          epoch: entry.epoch,
          from,
          slot,
          overlap,
          id: task?.message.id ?? "",
          msg,
          process_at_s: task?.processAtSec ?? "",
          group: task?.state === "aggregating" ? task.message.groupKey! : "",
          lock: task?.message.uniqueKey ?? "",
          lock_ttl_s: task?.uniqueTtlSec ?? "",
        })),
        before: some.some(({ claim }) => claim.task !== undefined) ? [["SADD", allQueues, queue]] : [],
      }),
    })),
  );
  const outcomes = await runAll(
    broker,
    calls.map(({ script }) => script),
    options,
  );
  const verdicts: ClaimOutcome[] = [];
  for (const [i, { places }] of calls.entries()) {
    const { value, error } = outcomes[i]!;
    for (const [nth, place] of places.entries()) verdicts[place] = error ? { error } : { verdict: value![nth]! };
  }
  return verdicts;
}
