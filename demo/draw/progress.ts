import { ended, type QueueCounts, total } from "../count-tasks.ts";
import type { Paint } from "./screen.ts";

const barWidth = 24;

/** A line for each queue: how much of it is done, and where the rest is. `enqueued` says how many tasks each was given. */
export function progress(counts: readonly QueueCounts[], enqueued: (queue: string) => number, paint: Paint): string[] {
  const nameWidth = Math.max(...counts.map(({ queue }) => queue.length));
  return counts.map((queue) => {
    // The Worker's answer may be on its way while its task is done.
    const all = Math.max(enqueued(queue.queue), ended(queue));
    const filled = all === 0 ? 0 : Math.round((ended(queue) / all) * barWidth);
    const bar = paint("green", "█".repeat(filled)) + paint("dim", "░".repeat(barWidth - filled));
    return `${queue.queue.padEnd(nameWidth)}  ${bar}  ${`${ended(queue)}/${all}`.padStart(5)}  ${places([queue], paint)}`.trimEnd();
  });
}

/** Where tasks of these queues are, places that hold none left out. */
export function places(counts: readonly QueueCounts[], paint: Paint): string {
  const [pending, active, scheduled, retry, groups, archived] = (
    ["pending", "active", "scheduled", "retry", "groups", "archived"] as const
  ).map((place) => total(counts, (queue) => queue[place])) as [number, number, number, number, number, number];
  return [
    pending > 0 && `${pending} pending`,
    active > 0 && paint("cyan", `${active} active`),
    scheduled > 0 && `${scheduled} scheduled`,
    retry > 0 && paint("yellow", `${retry} to retry`),
    groups > 0 && `${groups} ${groups === 1 ? "group" : "groups"}`,
    archived > 0 && paint("red", `${archived} archived`),
  ]
    .filter(Boolean)
    .join(", ");
}
