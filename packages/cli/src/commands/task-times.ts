/** The times of a task in the words of Asynq's CLI. @module */
import { roundedDuration } from "../format/duration.ts";
import { unixDate } from "../format/time.ts";

/** In a list, when it is due: `in 5m0s`, `right now`. Asynq: `formatProcessAt`. */
export function processIn(date: Date | undefined, nowMs: number): string {
  const ms = (date?.getTime() ?? 0) - nowMs;
  return ms < 0 ? "right now" : `in ${roundedDuration(ms)}`;
}

/** Of one task, when it is due: `now`, the time and how long until then, or `n/a`. Asynq: `formatNextProcessAt`. */
export function nextProcessTime(date: Date | undefined, nowMs: number): string {
  if (date === undefined) return "n/a";
  const ms = date.getTime() - nowMs;
  return ms <= 0 ? "now" : `${unixDate(date)} (in ${roundedDuration(ms)})`;
}

/** When something was, or nothing. Asynq: `formatPastTime`. */
export function pastTime(date: Date | undefined): string {
  return date === undefined ? "" : unixDate(date);
}
