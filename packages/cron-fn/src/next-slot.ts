import type { CronFields } from "@asynqjs/core/cron";
import type { ProposeDay } from "./propose-days.ts";
import type { ZoneOffsets } from "./zone-offsets.ts";

/**
 * The first second after `afterSec` and up to `untilSec` that a spec allows; `undefined` where there is none, or none within five years.
 *
 * It goes step by step as robfig does, since what happens where clocks change lies in the steps: a time that is skipped does not come, one that
 * is repeated comes twice, and a day without midnight may be passed over in some zones. Only a long way over days on which no clock changes
 * is taken at once, to the day that is proposed.
 *
 * @see robfig/cron spec.go `SpecSchedule.Next`
 */
export function nextSlot(
  spec: CronFields,
  zone: ZoneOffsets,
  proposeDay: ProposeDay,
  afterSec: number,
  untilSec: number,
): number | undefined {
  // Fields that allow nothing would be looked for in vain second by second.
  if ([spec.seconds, spec.minutes, spec.hours, spec.months].some((values) => values.length === 0)) return undefined;
  let at = new Walk(zone, afterSec + 1);
  const lastYear = at.year + 5;
  // Once a field was moved on, those below it begin anew.
  let moved = false;
  const begin = (beginning: () => Walk): void => {
    if (!moved) at = beginning();
    moved = true;
  };
  // No step leads back by more than some hours.
  const isPast = ({ sec }: Walk): boolean => sec > untilSec + 86_400;

  wrapped: for (;;) {
    if (at.year > lastYear) return undefined;

    while (!spec.months.includes(at.month)) {
      if (isPast(at)) return undefined;
      begin(() => at.date(at.year, at.month, 1));
      at = at.date(at.year, at.month + 1, at.day, at.secondOfDay);
      if (at.month === 1) continue wrapped;
    }

    while (!allowsDay(spec, at)) {
      if (isPast(at)) return undefined;
      const jump = untilSec - at.sec > longSec ? jumpOverDays(zone, proposeDay, at) : undefined;
      if (jump !== undefined) {
        moved = true;
        at = jump;
        continue wrapped;
      }
      begin(() => at.date(at.year, at.month, at.day));
      const fromSec = at.sec;
      at = at.date(at.year, at.month, at.day + 1, at.secondOfDay);
      if (at.hour > 12) at = at.later((24 - at.hour) * 3600);
      else if (at.hour > 0) at = at.later(-at.hour * 3600);
      // A whole day that a zone left out, at which robfig stays for ever.
      if (at.sec <= fromSec) at = at.later(fromSec - at.sec + 86_400);
      if (at.day === 1) continue wrapped;
    }

    while (!spec.hours.includes(at.hour)) {
      begin(() => at.date(at.year, at.month, at.day, at.hour * 3600));
      at = at.later(3600);
      if (at.hour === 0) continue wrapped;
    }

    while (!spec.minutes.includes(at.minute)) {
      begin(() => at.later(-(at.sec % 60)));
      at = at.later(60);
      if (at.minute === 0) continue wrapped;
    }

    while (!spec.seconds.includes(at.second)) {
      moved = true;
      at = at.later(1);
      if (at.second === 0) continue wrapped;
    }
    return at.sec <= untilSec ? at.sec : undefined;
  }
}

/** A way that is worth asking for a day: that costs as much as some days step by step. */
const longSec = 4 * 86_400;

/** Both must match where one is open, either where both are given. */
function allowsDay(spec: CronFields, at: Walk): boolean {
  const [ofMonth, ofWeek] = [spec.daysOfMonth.includes(at.day), spec.daysOfWeek.includes(at.weekday)];
  return spec.anyDayOfMonth || spec.anyDayOfWeek ? ofMonth && ofWeek : ofMonth || ofWeek;
}

/** Midnight of the day that is proposed, if nothing on the way would make robfig arrive elsewhere: it steps from the first of the month. */
function jumpOverDays(zone: ZoneOffsets, proposeDay: ProposeDay, at: Walk): Walk | undefined {
  const day = proposeDay(at.dayNumber);
  if (day === undefined) return undefined;
  const sec = day * 86_400 - at.offset;
  return zone.isSteady(at.sec - (at.day + 1) * 86_400, sec + 86_400) ? new Walk(zone, sec) : undefined;
}

/** A second, with what the clocks of a zone show then. */
class Walk {
  readonly sec: number;
  readonly offset: number;
  readonly dayNumber: number;
  readonly secondOfDay: number;
  readonly #zone: ZoneOffsets;
  #shown: Date | undefined;

  constructor(zone: ZoneOffsets, sec: number) {
    this.#zone = zone;
    this.sec = sec;
    this.offset = zone.at(sec);
    this.dayNumber = Math.floor((sec + this.offset) / 86_400);
    this.secondOfDay = sec + this.offset - this.dayNumber * 86_400;
  }

  get #date(): Date {
    this.#shown ??= new Date(this.dayNumber * 86_400_000);
    return this.#shown;
  }
  get year(): number {
    return this.#date.getUTCFullYear();
  }
  get month(): number {
    return this.#date.getUTCMonth() + 1;
  }
  get day(): number {
    return this.#date.getUTCDate();
  }
  get weekday(): number {
    return this.#date.getUTCDay();
  }
  get hour(): number {
    return Math.floor(this.secondOfDay / 3600);
  }
  get minute(): number {
    return Math.floor(this.secondOfDay / 60) % 60;
  }
  get second(): number {
    return this.secondOfDay % 60;
  }

  later(seconds: number): Walk {
    return new Walk(this.#zone, this.sec + seconds);
  }

  /** Go's `time.Date`: of a time that is skipped or repeated it takes the offset that this way of asking finds. */
  date(year: number, month: number, day: number, secondOfDay = 0): Walk {
    const shown = Date.UTC(year, month - 1, day) / 1000 + secondOfDay;
    return new Walk(this.#zone, shown - this.#zone.at(shown - this.#zone.at(shown)));
  }
}
