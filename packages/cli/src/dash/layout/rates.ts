/** How fast queues work, over the last refreshes. @module */
import type { Sample } from "../state.ts";

/** What was done from each refresh to the next, a second; the oldest first. */
export interface Rates {
  readonly processed: readonly number[];
  readonly failed: readonly number[];
  /** The longest that a pending task of one of them had waited, at each refresh. */
  readonly latencyMs: readonly number[];
}

/** Of several queues together; each is reckoned from when it was first seen. */
export function ratesOf(lines: readonly (readonly Sample[])[]): Rates {
  const points = Math.max(0, ...lines.map((line) => line.length));
  const sums = { processed: [] as number[], failed: [] as number[], latencyMs: [] as number[] };
  for (let back = points; back >= 1; back--) {
    const now = lines.map((line) => line.at(-back));
    sums.latencyMs.push(Math.max(0, ...now.map((sample) => sample?.latencyMs ?? 0)));
    if (back === points) continue;
    const pairs = lines.map((line) => [line.at(-back - 1), line.at(-back)] as const);
    sums.processed.push(sum(pairs.map(([before, after]) => perSec(before, after, "processed"))));
    sums.failed.push(sum(pairs.map(([before, after]) => perSec(before, after, "failed"))));
  }
  return sums;
}

function perSec(before: Sample | undefined, after: Sample | undefined, of: "processed" | "failed"): number {
  if (before === undefined || after === undefined || after.atMs <= before.atMs) return 0;
  // A counter begins anew where its queue was removed.
  return Math.max(0, (after[of] - before[of]) / ((after.atMs - before.atMs) / 1000));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** `0/s`, `3.4/s`, `120/s`, `12.3k/s`; `-` while there is nothing to compare. */
export function rateText(values: readonly number[]): string {
  const last = values.at(-1);
  if (last === undefined) return "-";
  return `${last === 0 ? "0" : last < 10 ? last.toFixed(1) : last < 10_000 ? String(Math.round(last)) : `${(last / 1000).toFixed(1)}k`}/s`;
}
