/** What a cron spec says, read exactly as Asynq's scheduler reads it: robfig/cron v3's `ParseStandard`, its errors included. @module */
import { CronSpecError } from "../errors.ts";
import { readGoDuration } from "./go-duration.ts";
import { quoteAsGo } from "./go-quote.ts";
import { loadTimeZone } from "./load-time-zone.ts";

/** Times of a calendar: each field the values it allows, ascending. One that allows none, as `,` does, never comes. */
export interface CronFields {
  readonly kind: "fields";
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly daysOfMonth: readonly number[];
  /** January is 1. */
  readonly months: readonly number[];
  /** Sunday is 0. */
  readonly daysOfWeek: readonly number[];
  /** The day of the month was left open (`*` or `?`, without a step): then both days must match. */
  readonly anyDayOfMonth: boolean;
  /** Likewise that of the week. Where both are given, either is enough. */
  readonly anyDayOfWeek: boolean;
  readonly timeZone: string;
}

/** Times a whole number of seconds apart: `@every 90s`. */
interface CronInterval {
  readonly kind: "every";
  readonly everySec: number;
  readonly timeZone: string;
}

export type CronSpec = CronFields | CronInterval;

/**
 * Reads a cron spec: five fields (minute, hour, day of month, month, day of week), or six with seconds first, or a descriptor (`@daily`,
 * `@every 1h30m`), behind `TZ=Europe/Berlin ` or `CRON_TZ=Europe/Berlin ` where it has a time zone of its own.
 *
 * @param timeZone of a spec that names none, or `Local`.
 * @throws {CronSpecError} it cannot be read; says so in robfig's words
 * @see robfig/cron parser.go `Parse`
 */
export function parseCronSpec(spec: string, timeZone = "UTC"): CronSpec {
  const fail = (why: string): never => {
    throw new CronSpecError(spec, why);
  };
  const zoneOf = (name: string, local?: string): string => {
    const loaded = loadTimeZone(name, local);
    return "why" in loaded ? fail(`provided bad location ${name}: ${loaded.why}`) : loaded.timeZone;
  };
  if (spec === "") fail("empty spec string");
  const local = zoneOf(timeZone);
  const [prefix, name] = /^(?:CRON_)?TZ=([^ ]*)/.exec(spec) ?? [];
  if (prefix === undefined || name === undefined) return parseTimes(spec, local, fail);
  // Here Go panics.
  if (prefix.length === spec.length) fail(`provided bad location ${name}: no space after it`);
  return parseTimes(trimSpace(spec.slice(prefix.length)), zoneOf(name, local), fail);
}

type Fail = (why: string) => never;

function parseTimes(text: string, timeZone: string, fail: Fail): CronSpec {
  if (text.startsWith("@")) return parseDescriptor(text, timeZone, fail);
  const given = text.split(space).filter((field) => field !== "");
  if (given.length !== 5 && given.length !== 6) fail(`expected 5 to 6 fields, found ${given.length}: [${given.join(" ")}]`);
  return makeFields(given, timeZone, fail);
}

function makeFields(given: readonly string[], timeZone: string, fail: Fail): CronFields {
  const texts = given.length === 5 ? ["0", ...given] : given;
  const [second, minute, hour, dayOfMonth, month, dayOfWeek] = bounds.map((bound, i) => parseField(texts[i]!, bound, fail));
  return {
    kind: "fields",
    seconds: second!.values,
    minutes: minute!.values,
    hours: hour!.values,
    daysOfMonth: dayOfMonth!.values,
    months: month!.values,
    daysOfWeek: dayOfWeek!.values,
    anyDayOfMonth: dayOfMonth!.isOpen,
    anyDayOfWeek: dayOfWeek!.isOpen,
    timeZone,
  };
}

function parseDescriptor(text: string, timeZone: string, fail: Fail): CronSpec {
  const fields = descriptors.get(text);
  if (fields !== undefined) return makeFields(fields.split(" "), timeZone, fail);
  if (!text.startsWith("@every ")) return fail(`unrecognized descriptor: ${text}`);
  const read = readGoDuration(text.slice("@every ".length));
  if ("why" in read) return fail(`failed to parse duration ${text}: ${read.why}`);
  return { kind: "every", everySec: Math.max(1, Number(read.ns / 1_000_000_000n)), timeZone };
}

const descriptors: ReadonlyMap<string, string> = new Map([
  ["@yearly", "0 0 1 1 *"],
  ["@annually", "0 0 1 1 *"],
  ["@monthly", "0 0 1 * *"],
  ["@weekly", "0 0 * * 0"],
  ["@daily", "0 0 * * *"],
  ["@midnight", "0 0 * * *"],
  ["@hourly", "0 * * * *"],
]);

interface Bound {
  readonly min: number;
  readonly max: number;
  /** The first stands for `min`. */
  readonly names?: readonly string[];
}

const bounds: readonly Bound[] = [
  { min: 0, max: 59 },
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"] },
  { min: 0, max: 6, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];

interface Field {
  readonly values: readonly number[];
  readonly isOpen: boolean;
}

/** A list of ranges; empty ones between commas say nothing. */
function parseField(text: string, bound: Bound, fail: Fail): Field {
  const ranges = text
    .split(",")
    .filter((range) => range !== "")
    .map((range) => parseRange(range, bound, fail));
  const values = [...new Set(ranges.flatMap((range) => range.values))].sort((a, b) => a - b);
  return { values, isOpen: ranges.some((range) => range.isOpen) };
}

/** `number | number "-" number [ "/" number ]`; the order of the checks is robfig's, since it decides which error is told. */
function parseRange(range: string, bound: Bound, fail: Fail): Field {
  const [ends = "", stepText, ...moreSteps] = range.split("/");
  const [low = "", high, ...moreEnds] = ends.split("-");
  const isOpen = low === "*" || low === "?";
  let [start, end] = [BigInt(bound.min), BigInt(bound.max)];
  if (!isOpen) {
    start = parseValue(low, bound, fail);
    if (moreEnds.length > 0) fail(`too many hyphens: ${range}`);
    end = high === undefined ? start : parseValue(high, bound, fail);
  }
  if (moreSteps.length > 0) fail(`too many slashes: ${range}`);
  const step = stepText === undefined ? 1n : parseNumber(stepText, fail);
  if (stepText !== undefined && high === undefined) end = BigInt(bound.max);
  if (start < bound.min) fail(`beginning of range (${start}) below minimum (${bound.min}): ${range}`);
  if (end > bound.max) fail(`end of range (${end}) above maximum (${bound.max}): ${range}`);
  if (start > end) fail(`beginning of range (${start}) beyond end of range (${end}): ${range}`);
  if (step === 0n) fail(`step of range should be a positive number: ${range}`);
  const values: number[] = [];
  for (let value = start; value <= end; value += step) values.push(Number(value));
  return { values, isOpen: isOpen && step === 1n };
}

function parseValue(text: string, { min, names = [] }: Bound, fail: Fail): bigint {
  const at = names.indexOf(text.toLowerCase());
  return at === -1 ? parseNumber(text, fail) : BigInt(min + at);
}

/** As Go's `strconv.Atoi` reads it, in 64 bits. */
function parseNumber(text: string, fail: Fail): bigint {
  const refuse = (why: string): never => fail(`failed to parse int from ${text}: strconv.Atoi: parsing ${quoteAsGo(text)}: ${why}`);
  const [, sign, digits] = /^([-+]?)(\d+)$/.exec(text) ?? refuse("invalid syntax");
  // No number of 64 bits is longer; so long a text is not worth counting.
  const significant = digits!.replace(/^0+(?=\d)/, "");
  const number = significant.length > 19 ? refuse("value out of range") : BigInt(`${significant}`) * (sign === "-" ? -1n : 1n);
  if (BigInt.asIntN(64, number) !== number) refuse("value out of range");
  return number < 0n ? fail(`negative number (${number}) not allowed: ${text}`) : number;
}

/** What Go's `unicode.IsSpace` takes for space. */
const space = /[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
const outerSpace = new RegExp(`^${space.source}+|${space.source}+$`, "g");

function trimSpace(text: string): string {
  return text.replace(outerSpace, "");
}
