import type { CronFields } from "@asynqjs/core/cron";
import { type CronExpression, CronExpressionParser } from "cron-parser";

/** The first day after another that a spec allows, in days since 1970; `undefined` where there is none, or none near. */
export type ProposeDay = (afterDay: number) => number | undefined;

/**
 * The days of a spec, by `cron-parser` on a calendar without time zones: it knows nothing of robfig's ways with clocks that change, and a
 * second of its costs ten microseconds, so it is asked for days alone.
 */
export function proposeDays({ daysOfMonth, months, daysOfWeek, anyDayOfMonth, anyDayOfWeek }: CronFields): ProposeDay {
  const list = (values: readonly number[], isOpen: boolean): string => (isOpen ? "*" : values.join(","));
  const text = `0 0 0 ${list(daysOfMonth, anyDayOfMonth)} ${list(months, false)} ${list(daysOfWeek, anyDayOfWeek)}`;
  let [days, asked, proposed]: [CronExpression | undefined, number, number | undefined] = [undefined, Number.POSITIVE_INFINITY, undefined];
  return (afterDay) => {
    // Whoever goes on step by step asks again each day, and a tick each minute.
    if (asked <= afterDay && (proposed === undefined || afterDay < proposed)) return proposed;
    try {
      if (days === undefined || proposed !== afterDay) {
        days = CronExpressionParser.parse(text, { currentDate: new Date(afterDay * dayMs), tz: "UTC" });
      }
      proposed = days.next().getTime() / dayMs;
    } catch {
      // A day that never comes, such as 30 February, is an error to it, and so is a field that allows nothing.
      proposed = undefined;
    }
    asked = afterDay;
    return proposed;
  };
}

const dayMs = 86_400_000;
