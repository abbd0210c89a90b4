import { printGoDuration } from "@asynqjs/core/cron";

/** Go's longest duration, in nanoseconds: what is longer is as long. */
const longestMs = 9_223_372_036_854.775;

/** A time span rounded to seconds as Go prints it: `5m0s`, `-2s`; halves away from zero. */
export function roundedDuration(ms: number): string {
  if (Math.abs(ms) >= longestMs) return ms > 0 ? "2562047h47m16.854775807s" : "-2562047h47m16.854775808s";
  return printGoDuration(Math.sign(ms) * Math.round(Math.abs(ms) / 1000));
}
