/** What clocks show, minute by minute, by `Intl` alone: what the slots are held against knows nothing of how they are found. @module */

/** What the clock on the wall shows in a time zone. */
export interface ClockFace {
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  /** How far it is ahead of UTC, minutes. */
  readonly aheadMin: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

export function clockFace(timeZone: string, sec: number): ClockFace {
  let format = formats.get(timeZone);
  if (format === undefined) {
    const numeric = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric" } as const;
    format = new Intl.DateTimeFormat("en-US", { ...numeric, timeZone, hourCycle: "h23" });
    formats.set(timeZone, format);
  }
  const [month, day, year, hour, minute] = format
    .format(sec * 1000)
    .match(/\d+/g)!
    .map(Number);
  const aheadMin = Date.UTC(year!, month! - 1, day!, hour!, minute!) / 60_000 - Math.floor(sec / 60);
  return { month: month!, day: day!, hour: hour!, minute: minute!, aheadMin };
}

/** The minutes at which the clocks of a zone change, from one time to another. */
export function clockChanges(timeZone: string, fromSec: number, untilSec: number): number[] {
  const found: number[] = [];
  const ahead = (sec: number): number => clockFace(timeZone, sec).aheadMin;
  for (let sec = fromSec; sec < untilSec; sec += 86_400) {
    if (ahead(sec) === ahead(sec + 86_400)) continue;
    let edge = sec + 60;
    while (ahead(edge) === ahead(sec)) edge += 60;
    found.push(edge);
  }
  return found;
}
