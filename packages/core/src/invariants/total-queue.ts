import { taskKey } from "../keys.ts";
import type { Finding } from "./finding.ts";

/**
 * What happened to tasks from the outside. `id` is unique in the history; a task of another queue with the same id is another history.
 * Times are of one clock that never jumps, and are only needed for `overlaps`.
 */
export type HistoryEvent =
  /** `unknown`: no answer came, so it may have been enqueued; `refused`: surely not. One event for each call, however often it was repeated. */
  | { readonly type: "enqueue"; readonly id: string; readonly outcome: "ok" | "unknown" | "refused" }
  /** A handler began; `run` names this one run. */
  | { readonly type: "start"; readonly id: string; readonly run: string; readonly atMs: number }
  /** It returned or threw. A run whose process was killed has no end, or the moment of the kill. */
  | { readonly type: "end"; readonly run: string; readonly atMs: number }
  /** Redis took an outcome of that run. `over`: after it nothing more is to be done (done, completed, archived). */
  | { readonly type: "settle"; readonly id: string; readonly run: string; readonly over: boolean };

/** What is left when all faults are over and the queue was given time to drain. */
export interface Drained {
  /** Ids still in Redis that could be done: pending, active, scheduled, retry, aggregating. */
  readonly left?: Iterable<string> | undefined;
  /** Ids that are over by what Redis holds, for runs whose `settle` nobody could write down: completed, archived, or gone as they should. */
  readonly over?: Iterable<string> | undefined;
}

/** Two runs of one task at the same time. At-least-once allows it, of a worker that lost its lease. */
export interface Overlap {
  readonly id: string;
  readonly runs: readonly [string, string];
}

export interface TotalQueueReport {
  /** Nothing lost, nothing unexpected, nothing stuck, nothing settled for good twice. */
  readonly valid: boolean;
  /** Acknowledged, and neither over nor left. */
  readonly lost: readonly string[];
  /** Run, and never enqueued. */
  readonly unexpected: readonly string[];
  /** Left after the drain. */
  readonly stuck: readonly string[];
  /** Settled for good by more than one run. */
  readonly doubleAcks: readonly string[];
  /** Enqueued without an answer, and run all the same. */
  readonly recovered: readonly string[];
  /** Runs beyond one for each enqueue, in all. */
  readonly duplicated: number;
  readonly overlaps: readonly Overlap[];
  readonly acknowledged: number;
  readonly runs: number;
}

/**
 * Jepsen's `total-queue`: whatever was acknowledged was done, and whatever was done was asked for; more than once is allowed, and counted.
 * @see jepsen.checker/total-queue
 */
export function totalQueue(history: Iterable<HistoryEvent>, { left = [], over = [] }: Drained = {}): TotalQueueReport {
  const attempts = new Map<string, number>();
  const acknowledged = new Set<string>();
  const starts = new Map<string, { readonly run: string; readonly startMs: number; endMs: number }[]>();
  const runs = new Map<string, { endMs: number }>();
  const settledBy = new Map<string, Set<string>>();
  for (const event of history) {
    switch (event.type) {
      case "enqueue":
        if (event.outcome !== "refused") attempts.set(event.id, (attempts.get(event.id) ?? 0) + 1);
        if (event.outcome === "ok") acknowledged.add(event.id);
        break;
      case "start": {
        const run = { run: event.run, startMs: event.atMs, endMs: Number.POSITIVE_INFINITY };
        runs.set(event.run, run);
        starts.set(event.id, [...(starts.get(event.id) ?? []), run]);
        break;
      }
      case "end": {
        const run = runs.get(event.run);
        if (run !== undefined) run.endMs = event.atMs;
        break;
      }
      case "settle":
        if (event.over) settledBy.set(event.id, (settledBy.get(event.id) ?? new Set()).add(event.run));
    }
  }

  const stuck = new Set(left);
  const isOver = new Set([...over, ...settledBy.keys()]);
  const lost = [...acknowledged].filter((id) => !isOver.has(id) && !stuck.has(id));
  const unexpected = [...starts.keys()].filter((id) => !attempts.has(id));
  const doubleAcks = [...settledBy].flatMap(([id, by]) => (by.size > Math.max(1, attempts.get(id) ?? 0) ? id : []));
  const recovered = [...starts.keys()].filter((id) => attempts.has(id) && !acknowledged.has(id));
  let duplicated = 0;
  for (const [id, all] of starts) if (attempts.has(id)) duplicated += Math.max(0, all.length - attempts.get(id)!);
  return {
    valid: lost.length + unexpected.length + stuck.size + doubleAcks.length === 0,
    lost,
    unexpected,
    stuck: [...stuck],
    doubleAcks,
    recovered,
    duplicated,
    overlaps: [...starts].flatMap(([id, all]) => overlapsOf(id, all)),
    acknowledged: acknowledged.size,
    runs: runs.size,
  };
}

/** Each run that began before an earlier one of the same task had ended. */
function overlapsOf(id: string, runs: readonly { readonly run: string; readonly startMs: number; readonly endMs: number }[]): Overlap[] {
  const overlaps: Overlap[] = [];
  const sorted = [...runs].sort((a, b) => a.startMs - b.startMs);
  let longest = sorted[0]!;
  for (const run of sorted.slice(1)) {
    if (run.startMs < longest.endMs) overlaps.push({ id, runs: [longest.run, run.run] });
    if (run.endMs > longest.endMs) longest = run;
  }
  return overlaps;
}

/** The report as findings of I7, I12 and I13. */
export function totalQueueFindings(queue: string, { lost, unexpected, stuck, doubleAcks }: TotalQueueReport): Finding[] {
  const found = (invariant: Finding["invariant"], ids: readonly string[], message: string): Finding[] =>
    ids.map((id) => ({ invariant, queue, key: taskKey(queue, id), id, message }));
  return [
    ...found("I12", lost, "was acknowledged, and is neither over nor left"),
    ...found("I12", unexpected, "ran, and was never enqueued"),
    ...found("I13", stuck, "is left after the drain"),
    ...found("I7", doubleAcks, "was settled for good more than once"),
  ];
}
