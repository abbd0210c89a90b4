/** How far a time zone's clocks are ahead of UTC, in seconds, at any whole second since 1970. */
export interface ZoneOffsets {
  at(sec: number): number;
  /** Whether they stay the same from one second to another. */
  isSteady(fromSec: number, toSec: number): boolean;
}

/** Kept over calls: to ask `Intl` takes some microseconds. */
const zones = new Map<string, ZoneOffsets>();

/** The clocks of a time zone that `Intl` knows. */
export function zoneOffsets(timeZone: string): ZoneOffsets {
  let zone = zones.get(timeZone);
  if (zone === undefined) {
    zone = timeZone === "UTC" ? { at: () => 0, isSteady: () => true } : new KeptOffsets(timeZone);
    zones.set(timeZone, zone);
  }
  return zone;
}

const daySec = 86_400;

/** Looks at the beginning of each day only, and where two days differ for the second in between: no zone changes its clocks twice a day. */
class KeptOffsets implements ZoneOffsets {
  readonly #format: Intl.DateTimeFormat;
  /** By days since 1970. */
  readonly #atBeginning = new Map<number, number>();
  /** Of days in which the clocks change: the first second of the new time. */
  readonly #changes = new Map<number, number>();

  constructor(timeZone: string) {
    const numeric = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" } as const;
    this.#format = new Intl.DateTimeFormat("en-US", { ...numeric, timeZone, hourCycle: "h23" });
  }

  at(sec: number): number {
    const day = Math.floor(sec / daySec);
    const [before, after] = [this.#beginning(day), this.#beginning(day + 1)];
    return before === after || sec < this.#change(day, before) ? before : after;
  }

  isSteady(fromSec: number, toSec: number): boolean {
    const last = Math.floor(toSec / daySec);
    for (let day = Math.floor(fromSec / daySec); day <= last; day++) {
      if (this.#beginning(day) !== this.#beginning(day + 1)) return false;
    }
    return true;
  }

  #beginning(day: number): number {
    let offset = this.#atBeginning.get(day);
    if (offset === undefined) {
      if (this.#atBeginning.size >= mostDays) this.#atBeginning.clear();
      offset = this.#look(day * daySec);
      this.#atBeginning.set(day, offset);
    }
    return offset;
  }

  #change(day: number, before: number): number {
    let change = this.#changes.get(day);
    if (change === undefined) {
      let [old, fresh] = [day * daySec, (day + 1) * daySec];
      while (fresh - old > 1) {
        const middle = Math.floor((old + fresh) / 2);
        if (this.#look(middle) === before) old = middle;
        else fresh = middle;
      }
      change = fresh;
      this.#changes.set(day, change);
    }
    return change;
  }

  #look(sec: number): number {
    const [month, day, year, hour, minute, second] = this.#format
      .format(sec * 1000)
      .match(/\d+/g)!
      .map(Number);
    return Date.UTC(year!, month! - 1, day!, hour!, minute!, second!) / 1000 - sec;
  }
}

/** Kept of each zone: more than the five years in which the next time of a spec is looked for. */
const mostDays = 2500;
