/** What flags hold, read; each is a parser for commander, whose error names the flag and what was said. @module */
import { readGoDuration } from "@asynqjs/core/cron";
import { InvalidArgumentError } from "commander";

/** A whole number within bounds. */
export function wholeNumber(from: number, to: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const number = /^[-+]?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (number >= from && number <= to) return number;
    throw new InvalidArgumentError(
      `Expected a whole number ${to === Number.MAX_SAFE_INTEGER ? `of at least ${from}` : `from ${from} to ${to}`}`,
    );
  };
}

/** Seconds of a duration in Go's form: `90s`, `1h30m`. */
export function durationSec(text: string): number {
  const read = readGoDuration(text);
  if ("why" in read) throw new InvalidArgumentError(`Expected a duration such as 90s or 1h30m; ${read.why}`);
  return Number(read.ns) / 1e9;
}

/** The same, of at least so long. */
export function durationFrom(least: string): (text: string) => number {
  return (text) => {
    const sec = durationSec(text);
    if (sec >= durationSec(least)) return sec;
    throw new InvalidArgumentError(`Expected at least ${least}`);
  };
}

/** A time in the form of RFC 3339: `2024-12-14T01:23:45Z`, `2024-12-14T01:23:45.5+01:00`. */
export function rfc3339(text: string): Date {
  const read = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)([.,]\d+)?(?:Z|[-+](\d\d):(\d\d))$/.exec(text);
  const [year, month, day, hour, minute, second] = (read ?? []).slice(1, 7).map(Number);
  const [zoneHour, zoneMinute] = [Number(read?.[8] ?? 0), Number(read?.[9] ?? 0)];
  const date = new Date(text.replace(/[.,](\d{1,3})\d*/, ".$1"));
  const daysOfMonth = new Date(Date.UTC(2000 + (year! % 400), month!, 0)).getUTCDate();
  const isTime =
    month! >= 1 &&
    month! <= 12 &&
    day! >= 1 &&
    day! <= daysOfMonth &&
    hour! <= 23 &&
    minute! <= 59 &&
    second! <= 59 &&
    zoneHour <= 23 &&
    zoneMinute <= 59;
  if (!isTime || Number.isNaN(date.getTime())) throw new InvalidArgumentError("Expected a time such as 2024-12-14T01:23:45Z");
  return date;
}
