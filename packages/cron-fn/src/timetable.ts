/** Which tick runs how often, and how much of an invocation is its own: data, to be read and changed as such. @module */

/** The ticks, by Asynq's names of what does the same in its processes; in this order they have their turns. */
export const tickNames = ["schedule", "forward", "recover", "aggregate", "janitor", "repair"] as const;
export type TickName = (typeof tickNames)[number];

/** How one tick is run. */
export interface TimetableRow {
  /** How long after it ended it is due again, seconds; 0 is each time. Above a minute the time of its end is kept in Redis. */
  readonly everySec: number;
  /** Its part of the time and the requests that are left, against those of all ticks that have a turn. */
  readonly share: number;
}

export type Timetable = Readonly<Record<TickName, TimetableRow>>;

/**
 * What users wait for each time, what takes back and gathers a few times a minute, what tidies up every five minutes: over HTTP each look at a
 * queue is a command that is paid for.
 */
export const defaultTimetable: Timetable = {
  schedule: { everySec: 0, share: 2 },
  forward: { everySec: 0, share: 4 },
  recover: { everySec: 15, share: 2 },
  aggregate: { everySec: 7, share: 2 },
  janitor: { everySec: 300, share: 1 },
  repair: { everySec: 300, share: 1 },
};

/** Whether a tick that ended then is due: a trigger that comes a little early is not put off to its next time. */
export function isDue({ everySec }: TimetableRow, nowSec: number, lastSec: number | undefined): boolean {
  return lastSec === undefined || nowSec < lastSec || nowSec - lastSec >= everySec * 0.9;
}

/** Rarer than triggers come, so that the time of its end must outlast the process. */
export function isRare({ everySec }: TimetableRow): boolean {
  return everySec > 60;
}
