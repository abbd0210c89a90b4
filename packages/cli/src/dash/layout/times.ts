/** Times as Asynq's dashboard tells them. @module */
import { roundedDuration } from "../../format/duration.ts";

/** `in 5m0s`, or `now`. */
export function untilText(date: Date | undefined, nowMs: number): string {
  if (date === undefined) return "";
  return date.getTime() < nowMs ? "now" : `in ${roundedDuration(date.getTime() - nowMs)}`;
}

/** `5m0s ago`, or `just now`. */
export function sinceText(date: Date | undefined, nowMs: number): string {
  if (date === undefined) return "";
  return date.getTime() >= nowMs ? "just now" : `${roundedDuration(nowMs - date.getTime())} ago`;
}
