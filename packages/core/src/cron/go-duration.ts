import { quoteAsGoTime } from "./go-quote.ts";

/** What Go's `time.ParseDuration` makes of a text: nanoseconds, or why it makes nothing of it, in Go's words. */
export type ReadDuration = { readonly ns: bigint } | { readonly why: string };

/** Reads a duration exactly as Go's `time.ParseDuration`: `1h30m`, `1.5s`, `-2ms`, at most about 292 years. */
export function readGoDuration(text: string): ReadDuration {
  const [, sign, unsigned] = /^([-+]?)(.*)$/s.exec(text) as unknown as [string, string, string];
  const invalid = { why: `time: invalid duration ${quoteAsGoTime(text)}` };
  if (unsigned === "0") return { ns: 0n };
  if (unsigned === "") return invalid;
  let total = 0n;
  for (let rest = unsigned; rest !== ""; ) {
    const [whole, integer, point, fraction = "", unit] = /^(\d*)(\.(\d*))?([^.\d]*)/.exec(rest) as unknown as Part;
    if (integer === "" && fraction === "") return invalid;
    if (withoutZeros(integer).length > 19 || BigInt(integer || "0") > most) return invalid;
    if (unit === "") return { why: `time: missing unit in duration ${quoteAsGoTime(text)}` };
    const unitNs = units.get(unit);
    if (unitNs === undefined) return { why: `time: unknown unit ${quoteAsGoTime(unit)} in duration ${quoteAsGoTime(text)}` };
    let ns = BigInt(integer || "0");
    if (ns > most / unitNs) return invalid;
    ns *= unitNs;
    if (point !== undefined) ns += fractionNs(fraction, unitNs);
    if (ns > most) return invalid;
    // As Go's: in 64 bits, where twice the most is nothing.
    total = BigInt.asUintN(64, total + ns);
    if (total > most) return invalid;
    rest = rest.slice(whole.length);
  }
  if (sign === "-") return { ns: -total };
  return total === most ? invalid : { ns: total };
}

type Part = readonly [whole: string, integer: string, point: string | undefined, fraction: string | undefined, unit: string];

const most = 2n ** 63n;

const units: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1000n],
  // The micro sign, and the Greek letter.
  ["\u00b5s", 1000n],
  ["\u03bcs", 1000n],
  ["ms", 1_000_000n],
  ["s", 1_000_000_000n],
  ["m", 60_000_000_000n],
  ["h", 3_600_000_000_000n],
]);

/** In double precision, as Go has it; digits that do not fit into 63 bits are not looked at. */
function fractionNs(digits: string, unitNs: bigint): bigint {
  let [value, scale] = [0n, 1];
  for (const digit of digits) {
    if (value > (most - 1n) / 10n) break;
    const longer = value * 10n + BigInt(digit);
    if (longer > most) break;
    value = longer;
    scale *= 10;
  }
  return BigInt(Math.trunc(Number(value) * (Number(unitNs) / scale)));
}

function withoutZeros(digits: string): string {
  return digits.replace(/^0+/, "");
}

/** Writes a duration as Go's `time.Duration.String`: `1.5ms`, `30s`, `1h0m0s`. */
export function printGoDuration(sec: number): string {
  const ns = BigInt(Math.round(Math.abs(sec) * 1e9));
  const sign = sec < 0 && ns > 0n ? "-" : "";
  if (ns === 0n) return "0s";
  if (ns < 1_000n) return `${sign}${ns}ns`;
  if (ns < 1_000_000n) return `${sign}${decimal(ns, 1_000n)}µs`;
  if (ns < 1_000_000_000n) return `${sign}${decimal(ns, 1_000_000n)}ms`;
  const minutes = ns / 60_000_000_000n;
  const seconds = `${decimal(ns % 60_000_000_000n, 1_000_000_000n)}s`;
  if (minutes === 0n) return sign + seconds;
  return minutes < 60n ? `${sign}${minutes}m${seconds}` : `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

/** `value / unit` with what is left of it behind a point, without zeros at the end. */
function decimal(value: bigint, unit: bigint): string {
  const rest = String(value % unit)
    .padStart(String(unit).length - 1, "0")
    .replace(/0+$/, "");
  return rest === "" ? String(value / unit) : `${value / unit}.${rest}`;
}
