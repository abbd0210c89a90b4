import type { Chance } from "./chance.ts";

const numbers = ["0", "-0", "1", "9007199254740993", "-9223372036854775808", "1.10", "1e400", "-1E-400", "1e3"];
const noNumbers = ["01", "1.", ".5", "+1", "NaN", "0x1f", "Infinity", "1e", "--1"];
const words = ["true", "false", "null"];
const noWords = ["undefined", "'a'", "`a`", "/**/1", "", "True", "nul"];
const texts = [
  "",
  "a",
  "fuzz",
  "__proto__",
  "constructor",
  "toString",
  "\\u0000",
  "\\ud800",
  "\\udc00\\ud800",
  "\\ud83d\\ude00",
  "\u{1f600}",
  "\u00e9",
  "\ufeff",
  "\\r\\n$3\\r\\nSET",
  "\\n",
  "\\\\",
  '\\"',
  "\\/",
  "\u2028",
  "%00",
  " ",
  "]}",
];
/** What no string of JSON holds. */
const noTexts = ["\\u000", "\\x41", "\\", "\u0000", "\n", '"', "\u001f"];
const keys = ['"a"', '"__proto__"', '"constructor"', '"length"', '"0"', '"toJSON"', '""'];
const blanks = [" ", "\n", "\t", "\r\n", ""];
const noBlanks = ["\u00a0", "\v", "\f", "\u2003"];

/** So seldom what is made is no JSON on purpose: a request has many parts, and each of them may be it. */
const seldom = 60;

/** A string of JSON, most often a good one. */
export function jsonString(chance: Chance): string {
  let inner = "";
  for (let left = chance.small(5); left > 0; left--) inner += chance.pick(chance.oneIn(seldom) ? noTexts : texts);
  if (chance.oneIn(500)) inner = inner.repeat(1 + chance.below(2_000));
  return `"${inner}"`;
}

/** Any value as JSON text, not always a good one. */
export function jsonValue(chance: Chance, depth = 0): string {
  if (depth > 4) return jsonString(chance);
  switch (chance.below(10)) {
    case 0:
      return chance.pick(chance.oneIn(seldom) ? noNumbers : numbers);
    case 1:
      return chance.pick(chance.oneIn(seldom) ? noWords : words);
    case 2:
      return jsonArray(
        Array.from({ length: chance.small(5) }, () => jsonValue(chance, depth + 1)),
        chance,
      );
    case 3: {
      const entries = Array.from(
        { length: chance.small(4) },
        () => `${chance.oneIn(seldom) ? "a" : chance.pick(keys)}:${jsonValue(chance, depth + 1)}`,
      );
      return `{${entries.join(",")}}`;
    }
    case 4:
      return chance.oneIn(20) ? nested(chance) : String(chance.below(1_000));
    default:
      return jsonString(chance);
  }
}

export function jsonArray(items: readonly string[], chance: Chance): string {
  const comma = chance.oneIn(seldom) ? chance.pick([",,", ";", ""]) : chance.oneIn(10) ? ", " : ",";
  const blank = chance.oneIn(seldom) ? chance.pick(noBlanks) : chance.oneIn(10) ? chance.pick(blanks) : "";
  return `[${blank}${items.join(comma)}${chance.oneIn(seldom) ? "," : ""}${blank}]`;
}

/** Brackets within brackets, to the bound of what is read, beyond it, or far beyond. */
function nested(chance: Chance): string {
  const depth = chance.pick([5, 120, 125, 126, 127, 128, 129, 200, 1_000, 1_000, 20_000]);
  const [open, close] = chance.pick([
    ["[", "]"],
    ['{"a":', "}"],
  ] as const);
  return `${open.repeat(depth)}1${close.repeat(chance.oneIn(4) ? depth - 1 : depth)}`;
}

/** Text as bytes, and of some that are altered: cut, with bytes that are no UTF-8, with signs of JSON where none should be. */
export function toBytes(chance: Chance, text: string): Uint8Array {
  const bytes = Buffer.from(text);
  if (!chance.oneIn(6)) return bytes;
  const at = chance.below(bytes.length + 1);
  switch (chance.below(6)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(chance.pick(['"', "[", "]", "{", "}", ",", ":", "\\", "0", " "])),
        bytes.subarray(at),
      ]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), chance.bytes(1 + chance.small(4)), bytes.subarray(at)]);
    case 3: {
      const flipped = Buffer.from(bytes);
      if (at < flipped.length) flipped[at]! ^= 1 << chance.below(8);
      return flipped;
    }
    case 4:
      return Buffer.concat([bytes, bytes.subarray(at)]);
    default:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + chance.small(8)))]);
  }
}
