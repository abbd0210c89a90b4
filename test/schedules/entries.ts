import type { CronEntryOptions } from "@asynqjs/core/cron";
import { type ClockFace, clockFace } from "./clock-faces.ts";

/** Clocks that change by an hour, by half and by two; at two o'clock, and at midnight ahead of UTC and behind it. */
export const zones = [
  "Europe/Berlin",
  "America/New_York",
  "Australia/Lord_Howe",
  "America/Santiago",
  "Africa/Cairo",
  "Antarctica/Troll",
] as const;

/** Since when the entries are there; on a whole minute. */
export interface Since {
  readonly sinceSec: number;
}

/** Whether a spec is due at a whole minute, said anew of what the clock shows then, and an hour before. */
type IsDue = (shows: ClockFace, at: { readonly sec: number; readonly hourAgo: ClockFace } & Since) => boolean;

/** robfig goes from hour to hour, and so over an hour whose top is not a whole one behind the last: where clocks went back by half of one. */
const isPassedOver = (shows: ClockFace, hourAgo: ClockFace): boolean =>
  shows.aheadMin < hourAgo.aheadMin && (hourAgo.aheadMin - shows.aheadMin) % 60 !== 0;

const specs: Readonly<Record<string, IsDue>> = {
  "0 2 * * *": ({ hour, minute, ...shows }, { hourAgo }) =>
    hour === 2 && minute === 0 && !isPassedOver({ hour, minute, ...shows }, hourAgo),
  "30 2 * * *": ({ hour, minute }) => hour === 2 && minute === 30,
  "*/15 * * * *": ({ minute }) => minute % 15 === 0,
  "@every 7m": (_, { sec, sinceSec }) => sec > sinceSec && (sec - sinceSec) % 420 === 0,
  "0 0 29 2 *": ({ month, day, hour, minute }) => month === 2 && day === 29 && hour === 0 && minute === 0,
};

const queues = ["europe", "elsewhere"] as const;
export const allQueues: readonly string[] = queues;

/** Every spec in every zone. A slot is missed when no tick came in time, and then it is gone. */
export const entries: readonly (CronEntryOptions & { readonly timeZone: string })[] = zones.flatMap((timeZone) =>
  Object.keys(specs).map((spec) => ({
    ...{ id: `${spec} ${timeZone}`, spec, timeZone, type: "report", catchUp: "skip" as const },
    queue: queues[timeZone.startsWith("Europe/") ? 0 : 1],
  })),
);

/** The tasks that are to be there: those of all slots after one time and up to another, minute by minute. */
export function* tasksBetween(afterSec: number, untilSec: number, { sinceSec }: Since): Generator<string> {
  for (let sec = Math.floor(afterSec / 60) * 60 + 60; sec <= untilSec; sec += 60) {
    for (const timeZone of zones) {
      const [shows, hourAgo] = [clockFace(timeZone, sec), clockFace(timeZone, sec - 3600)];
      for (const [spec, isDue] of Object.entries(specs)) if (isDue(shows, { sec, hourAgo, sinceSec })) yield `${spec} ${timeZone}:${sec}`;
    }
  }
}
