import { readFileSync } from "node:fs";

/** What a clock shows in a zone at a time. */
export interface ZoneAt {
  /** East of UTC. */
  readonly offsetMin: number;
  /** Its short name there and then, as Go prints it: `CEST`, or `-03` where it has none. */
  readonly name: string;
}

/** The zone of this machine, by `TZ` or as the system has it. */
export function localZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** What Go's tzdata says of a zone; where the machine has no such files the names are those that Unicode knows. */
export function zoneAt(zone: string, date: Date): ZoneAt {
  if (zone === "UTC") return { offsetMin: 0, name: "UTC" };
  const [, sign, hours = "0", minutes = "0"] = /GMT(?:([-+])(\d\d):(\d\d))?/.exec(shortName("en-US", zone, date, "longOffset")) ?? [];
  const offsetMin = (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  return { offsetMin, name: namesIn(ruleOf(zone)).get(offsetMin) ?? unicodeName(zone, date, offsetMin) };
}

/**
 * The names in a zone's rule, each with its minutes east of UTC: `CET-1CEST,M3.5.0,M10.5.0/3`, `<+1030>-10:30<+11>-11,…`. Signs are those of
 * POSIX, west of UTC; summer time is an hour more unless it says another.
 */
export function namesIn(rule: string): ReadonlyMap<number, string> {
  const part = "(<[^>]+>|[A-Za-z]+)([-+]?\\d+(?::\\d+)?)?";
  const [, name, west, summer, summerWest] = new RegExp(`^${part}(?:${part})?`).exec(rule) ?? [];
  const names = new Map<number, string>();
  if (name === undefined || west === undefined) return names;
  names.set(eastMin(west), name.replace(/[<>]/g, ""));
  if (summer !== undefined) names.set(summerWest === undefined ? eastMin(west) + 60 : eastMin(summerWest), summer.replace(/[<>]/g, ""));
  return names;
}

function eastMin(west: string): number {
  const [hours = "", minutes = "0"] = west.split(":");
  return -(Math.abs(Number(hours)) * 60 + Number(minutes)) * (hours.startsWith("-") ? -1 : 1) || 0;
}

const rules = new Map<string, string>();

/** The rule by which a zone goes from now on: the last line of its file, below all that it was. */
function ruleOf(zone: string): string {
  let rule = rules.get(zone);
  if (rule === undefined) {
    try {
      rule = readFileSync(`/usr/share/zoneinfo/${zone}`, "latin1").trimEnd().split("\n").at(-1) ?? "";
    } catch {
      rule = "";
    }
    rules.set(zone, rule);
  }
  return rule;
}

/** Each of these knows the names that are used where it is spoken. */
const speakers = ["en-US", "en-GB", "en-AU", "en-NZ", "en-IN", "en-ZA"];

function unicodeName(zone: string, date: Date, offsetMin: number): string {
  const name = speakers.map((locale) => shortName(locale, zone, date, "short")).find((found) => !/^(GMT|UTC)[-+]/.test(found));
  if (name !== undefined) return name;
  const [hours, minutes] = [Math.trunc(Math.abs(offsetMin) / 60), Math.abs(offsetMin) % 60];
  return `${offsetMin < 0 ? "-" : "+"}${String(hours).padStart(2, "0")}${minutes === 0 ? "" : String(minutes).padStart(2, "0")}`;
}

function shortName(locale: string, timeZone: string, date: Date, timeZoneName: "short" | "longOffset"): string {
  const parts = new Intl.DateTimeFormat(locale, { timeZone, timeZoneName }).formatToParts(date);
  return parts.find(({ type }) => type === "timeZoneName")!.value;
}
