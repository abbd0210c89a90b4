/** Questions about cron specs, valid and not, and about times near the edges of daylight saving and far from them. @module */
import fc from "fast-check";
import type { CronQuestion } from "./go-peer.ts";

/**
 * Clocks that change by an hour, by half an hour, at midnight (behind UTC and ahead of it), backwards in summer, and never; east of the date line.
 */
const zones = [
  "Europe/Berlin",
  "America/New_York",
  "Australia/Lord_Howe",
  "America/Sao_Paulo",
  "Asia/Beirut",
  "Africa/Casablanca",
  "Asia/Kathmandu",
  "Pacific/Apia",
] as const;

/**
 * Years in which all the sources of time zones agree: Apia left out a day at the end of 2011, at which robfig looks for ever, and the search for
 * 29 February goes on for five years, up to where rules are only planned.
 */
const [fromSec, untilSec] = [Date.UTC(2012, 2) / 1000, Date.UTC(2020, 0) / 1000];

const edges: ReadonlyMap<string, readonly number[]> = new Map(zones.map((zone) => [zone, edgesOf(zone)]));

/** So many questions, always the same of a seed. */
export function drawCronQuestions(count: number, seed: number): CronQuestion[] {
  return fc.sample(question, { numRuns: count, seed });
}

const question: fc.Arbitrary<CronQuestion> = fc
  .tuple(fc.constantFrom(...zones), fc.boolean())
  .chain(([timeZone, isNear]) =>
    fc.record({ spec: prefixed(spec()), timeZone: fc.constant(timeZone), afterSec: times(timeZone, isNear), count: fc.constant(6) }),
  );

function times(timeZone: string, isNear: boolean): fc.Arbitrary<number> {
  const all = edges.get(timeZone)!;
  if (!isNear || all.length === 0) return fc.integer({ min: fromSec, max: untilSec });
  const near = fc.oneof(fc.integer({ min: -7200, max: 7200 }), fc.integer({ min: -86_400, max: 86_400 }));
  return fc.tuple(fc.constantFrom(...all), near).map(([edge, by]) => edge + by);
}

/** To the hour. */
function edgesOf(timeZone: string): number[] {
  const format = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" });
  const offset = (sec: number): string => format.format(sec * 1000).split("GMT")[1]!;
  const found: number[] = [];
  for (let sec = fromSec; sec < untilSec; sec += 86_400) {
    if (offset(sec) === offset(sec + 86_400)) continue;
    let edge = sec + 3600;
    while (offset(edge) === offset(sec)) edge += 3600;
    found.push(edge);
  }
  return found;
}

function spec(): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 10, arbitrary: fields(false) },
    { weight: 4, arbitrary: fields(true) },
    { weight: 6, arbitrary: dailyOrSo },
    { weight: 2, arbitrary: descriptor },
    { weight: 2, arbitrary: every },
    { weight: 4, arbitrary: fc.oneof(fields(true), fields(false), descriptor, every).chain(spoiled) },
    { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 12 }) },
  );
}

/** A number that fits, seldom one that just does not; a range of such; a step. */
function range(min: number, max: number, names: readonly string[] = []): fc.Arbitrary<string> {
  const inCase = fc
    .tuple(fc.constantFrom("x", ...names), fc.boolean())
    .map(([name, isUpper]) => (isUpper ? name.toUpperCase() : name))
    .filter((name) => name.toLowerCase() !== "x" || names.length === 0);
  const fitting = fc.integer({ min, max }).map(String);
  const value = fc.oneof(
    { weight: 30, arbitrary: fitting },
    { weight: names.length === 0 ? 0 : 10, arbitrary: inCase },
    { weight: 1, arbitrary: fc.constantFrom(String(min - 1), String(max + 1), `0${max}`, `+${min}`, "", "007", "9223372036854775808") },
  );
  const ascending = fc.tuple(fc.integer({ min, max }), fc.integer({ min, max })).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
  const open = fc.constantFrom("*", "?");
  const step = fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min: 1, max: Math.max(2, Math.floor(max / 2)) }).map((by) => `/${by}`) },
    { weight: 1, arbitrary: fc.constantFrom("/0", "/-1", "/1/2", "/", "/x") },
  );
  const plain = fc.oneof(
    { weight: 6, arbitrary: open },
    { weight: 8, arbitrary: value },
    { weight: 5, arbitrary: ascending },
    { weight: 1, arbitrary: fc.tuple(value, value).map(([a, b]) => `${a}-${b}`) },
    // No second or minute at all is looked for second by second in Go, for five years.
    { weight: 1, arbitrary: fc.constantFrom("*-5", "1-2-3", ...(min === 1 ? [","] : [])) },
  );
  const none = fc.constant("");
  return fc
    .tuple(plain, fc.oneof({ weight: 3, arbitrary: none }, { weight: 1, arbitrary: step }))
    .map(([what, by]) => (what === "," ? what : `${what}${by}`));
}

function field(...of: Parameters<typeof range>): fc.Arbitrary<string> {
  const one = range(...of);
  return fc.oneof(
    { weight: 5, arbitrary: fc.constant("*") },
    { weight: 5, arbitrary: one },
    { weight: 1, arbitrary: fc.array(one, { minLength: 2, maxLength: 4 }).map((all) => all.join(",")) },
  );
}

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

function fields(hasSeconds: boolean): fc.Arbitrary<string> {
  const five = [field(0, 59), field(0, 23), field(1, 31), field(1, 12, months), field(0, 6, weekdays)];
  const gap = fc.oneof({ weight: 20, arbitrary: fc.constant(" ") }, { weight: 1, arbitrary: fc.constantFrom("  ", "\t", "\u00a0") });
  return fc.tuple(fc.tuple(...(hasSeconds ? [field(0, 59), ...five] : five)), gap).map(([all, by]) => all.join(by));
}

/** What people write, and where clocks change: a time of each day, or of some days. */
const dailyOrSo = fc
  .tuple(fc.constantFrom("0", "30", "*/15", "*", "5,35"), fc.constantFrom("0", "1", "2", "3", "*", "23", "1-3", "*/2"), field(1, 31))
  .chain(([minute, hour, day]) => fc.constantFrom("* *", "* 0", "* sat,sun", "3,10 *").map((rest) => `${minute} ${hour} ${day} ${rest}`));

const descriptor = fc.constantFrom(
  ...["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly", "@Daily", "@daily ", "@", "@every", "@reboot"],
);

const every = fc
  .array(
    fc.oneof(
      {
        weight: 12,
        arbitrary: fc.tuple(fc.integer({ min: 0, max: 400 }), fc.constantFrom("h", "m", "s")).map(([count, unit]) => `${count}${unit}`),
      },
      { weight: 3, arbitrary: fc.constantFrom("1.5h", ".25m", "3.s", "999ms", "5us", "7\u00b5s", "7\u03bcs", "12345678901ns") },
      {
        weight: 1,
        arbitrary: fc.constantFrom("1d", "5", "0", ".", " ", "-1s", "9223372036854775808ns", "0.33333333333333333333h", "3000000h"),
      },
    ),
    { minLength: 1, maxLength: 3 },
  )
  .chain((parts) => fc.constantFrom("", "", "", "+", "-").map((sign) => `@every ${sign}${parts.join("")}`));

function prefixed(spec: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const zone = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...zones, "UTC", "Local", "", "Etc/GMT+5", "US/Eastern") },
    {
      weight: 1,
      arbitrary: fc.constantFrom("Mars/Olympus", "europe/berlin", "us/eastern", "utc", "../UTC", "/etc", "\\x", "+01:00", "M\u00fcnchen"),
    },
  );
  const gap = fc.oneof({ weight: 12, arbitrary: fc.constant(" ") }, { weight: 1, arbitrary: fc.constantFrom("", "   ", "\t") });
  const withZone = fc.tuple(fc.constantFrom("TZ=", "CRON_TZ="), zone, gap, spec).map((parts) => parts.join(""));
  return fc.oneof({ weight: 6, arbitrary: spec }, { weight: 1, arbitrary: withZone });
}

/** With one character taken out, put in or changed. */
function spoiled(spec: string): fc.Arbitrary<string> {
  const character = fc.constantFrom(...' ,-/*?@0123456789LW#x\t\u0085\u00e9"\\\u200b\u{1f600}');
  return fc
    .tuple(fc.nat({ max: spec.length }), fc.nat({ max: 1 }), fc.oneof(character, fc.constant("")))
    .map(([at, taken, put]) => `${spec.slice(0, at)}${put}${spec.slice(at + taken)}`);
}
