import { type Answer, recorded, wrongKind } from "../call.ts";
import type { Keyspace } from "../keyspace.ts";
import { dayOf, keyOf, layoutOf, nsOf, type QueueLayout, secOf, taskAt } from "../layout.ts";
import { releaseLock, trimArchive } from "./delete-tasks.ts";
import { fractionOf } from "./dequeue.ts";

/** How much of what is over is kept, as `Limits` of core say. */
export interface KeptLimits {
  readonly archiveMaxAgeSec: number;
  readonly archiveMaxSize: number;
  readonly completedMaxSize: number | undefined;
}

export interface StoredOutcome {
  readonly id: string;
  /** The token, or the whole score that a recoverer read. */
  readonly fence: { readonly token: number } | { readonly score: number };
  readonly to: "done" | "completed" | "retry" | "recovered" | "handed-back" | "archived" | "requeued" | "quarantined";
  /** The whole message as it shall be stored. */
  readonly msg?: string;
  readonly atSec?: number;
  readonly lock?: string | undefined;
  readonly isFailure?: boolean;
  /** `js:recovered`, `js:handed_back` or `js:why`. */
  readonly note?: string;
}

export interface SettleCall {
  readonly queue: string;
  readonly outcomes: readonly StoredOutcome[];
  readonly nowMs: number;
  readonly cutoffSec: number;
  readonly limits: KeptLimits;
}

export interface Settled {
  readonly verdicts: readonly ("settled" | "lease-lost" | "dangling")[];
  readonly trimmed: number;
}

const placeOf = {
  done: undefined,
  completed: "completed",
  retry: "retry",
  recovered: "retry",
  "handed-back": "scheduled",
  archived: "archived",
  requeued: "pending",
  quarantined: "quarantine",
} as const satisfies Record<StoredOutcome["to"], keyof QueueLayout | undefined>;

/** active -> what each outcome says, each fenced by its lease as it was before the call; of two outcomes of one task the first counts. */
export function settleTasks(k: Keyspace, call: SettleCall): Answer {
  const { queue, outcomes, nowMs, cutoffSec, limits } = call;
  const keys = layoutOf(queue);
  const isSound = ({ to }: StoredOutcome): boolean => {
    const place = placeOf[to];
    return place === undefined || k.fits(place === "pending" ? "list" : "zset", keys[place]);
  };
  if (!k.fits("list", keys.active) || !k.fits("zset", keys.lease) || !outcomes.every(isSound)) return wrongKind;

  const archivedNow = new Set<string>();
  const verdicts: Settled["verdicts"][number][] = [];
  let [processed, failed] = [0, 0];
  for (const outcome of outcomes) {
    const { id, fence, to } = outcome;
    const key = taskAt(queue, id);
    const score = k.score(keys.lease, id);
    const owns =
      score !== undefined && ("token" in fence ? score % 1 === fractionOf(fence.token) : score === fence.score && score <= cutoffSec);
    if (!owns) {
      verdicts.push("lease-lost");
      continue;
    }
    k.removeItem(keys.active, id);
    k.removeScore(keys.lease, id);
    if (to !== "done" && k.field(key, "msg") === undefined) {
      verdicts.push("dangling");
      if (k.kind(key) === "hash") k.drop(key);
      continue;
    }
    verdicts.push("settled");
    if (outcome.lock !== undefined) releaseLock(k, outcome.lock, id);
    place(k, keys, outcome, nowMs);
    if (to === "archived") archivedNow.add(id);
    const isFailure = to === "archived" || (to === "retry" && outcome.isFailure === true);
    if (isFailure) failed++;
    if (isFailure || to === "done" || to === "completed") processed++;
  }
  count(k, queue, "processed", processed, nowMs);
  count(k, queue, "failed", failed, nowMs);
  const trimmed = archivedNow.size > 0 ? trimArchive(k, queue, limits, nowMs, { keep: archivedNow, limit: 1000 }).trimmed : 0;
  return recorded({ verdicts, trimmed } satisfies Settled);
}

/** Puts a task that left `active` where it goes. */
function place(k: Keyspace, keys: QueueLayout, { id, to, msg = "", atSec = 0, note = "" }: StoredOutcome, nowMs: number): void {
  const key = taskAt(keys.queue, id);
  switch (to) {
    case "done":
      k.drop(key);
      return;
    case "completed":
      k.setScore(keys.completed, id, atSec);
      k.setFields(key, { msg, state: "completed" });
      break;
    case "retry":
      k.setScore(keys.retry, id, atSec);
      k.setFields(key, { msg, state: "retry" });
      break;
    case "archived":
      k.setScore(keys.archived, id, secOf(nowMs));
      k.setFields(key, { msg, state: "archived" });
      break;
    case "recovered":
      k.setScore(keys.retry, id, atSec);
      k.setFields(key, { msg, state: "retry", "js:recovered": note });
      return;
    case "handed-back":
      k.setScore(keys.scheduled, id, atSec);
      k.setFields(key, { msg, state: "scheduled", "js:handed_back": note });
      return;
    case "requeued":
      k.pushRight(keys.pending, id);
      k.setFields(key, { state: "pending", pending_since: nsOf(nowMs) });
      return;
    case "quarantined":
      k.setScore(keys.quarantine, id, secOf(nowMs));
      k.setFields(key, { state: "js:quarantine", "js:from": "active", "js:why": note });
      return;
  }
  // A handler had it: what was counted of lost workers is over.
  k.dropFields(key, "js:recovered", "js:handed_back");
}

/** The day's counter lives 90 days from its first count on. */
function count(k: Keyspace, queue: string, name: "processed" | "failed", by: number, nowMs: number): void {
  if (by === 0) return;
  const day = keyOf(queue, `${name}:${dayOf(nowMs)}`);
  const total = keyOf(queue, name);
  const isFirst = increment(k, day, by) === by;
  if (isFirst) k.endAt(day, secOf(nowMs) + 90 * 24 * 3600);
  increment(k, total, by);
}

function increment(k: Keyspace, key: string, by: number): number | undefined {
  const before = k.has(key) ? k.text(key) : "0";
  // A counter that is no number stays as it is.
  if (before === undefined || !/^-?\d+$/.test(before)) return undefined;
  const leftMs = k.leftMs(key);
  k.setText(key, String(Number(before) + by), leftMs === undefined ? undefined : leftMs / 1000);
  return Number(before) + by;
}
