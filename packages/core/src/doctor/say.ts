/** Words for numbers, times and names, as they are read at a glance. @module */
import type { TaskFacts } from "./facts.ts";

/** How long in words that are read at a glance: `95 s`, `12 min`, `3 h`, `5 days`. */
export function sayTime(seconds: number): string {
  const sec = Math.round(seconds);
  if (sec < 120) return `${sec} s`;
  if (sec < 2 * 3600) return `${Math.round(sec / 60)} min`;
  if (sec < 48 * 3600) return `${Math.round(sec / 3600)} h`;
  return `${Math.round(sec / 86_400)} days`;
}

/** `1 task`, `12 tasks`; `1,000 or more` where it was counted no further. */
export function sayCount(count: number, of: string, countedTo: number = Number.POSITIVE_INFINITY): string {
  return `${count.toLocaleString("en")}${count >= countedTo ? " or more" : ""} ${of}${count === 1 ? "" : "s"}`;
}

/** The types of some tasks, three of them by name. */
export function sayTypes(tasks: readonly TaskFacts[]): string {
  const types = [...new Set(tasks.map(({ type }) => JSON.stringify(type.slice(0, 100).toWellFormed())))];
  return types.length > 3 ? `${types.slice(0, 3).join(", ")} and ${types.length - 3} more` : types.join(", ");
}
