import type { QueueInfo } from "@asynqjs/core/inspector";
import { errorRate } from "../format/number.ts";
import { table } from "../format/table.ts";

const states = ["active", "pending", "aggregating", "scheduled", "retry", "archived", "completed"] as const;
const summed = [...states, "processed", "failed"] as const;

/** How many tasks are in each of Asynq's states, and how many were run today. */
export type Counts = Readonly<Record<(typeof summed)[number], number>>;

/** Of all queues together. */
export function sumOf(queues: readonly Counts[]): Counts {
  const sum = (name: keyof Counts): number => queues.reduce((total, queue) => total + queue[name], 0);
  return Object.fromEntries(summed.map((name) => [name, sum(name)])) as Record<keyof Counts, number>;
}

export function statesOf(counts: Counts): number[] {
  return states.map((state) => counts[state]);
}

/** `dashes` is the length of all dashes where it is not each header's. */
export function stateTable(counts: Counts, dashes?: number): string {
  return table(states, [statesOf(counts)], dashes);
}

export function dailyStats({ processed, failed }: Pick<QueueInfo, "processed" | "failed">): string {
  return table(["processed", "failed", "error rate"], [[processed, failed, errorRate(processed, failed)]]);
}
