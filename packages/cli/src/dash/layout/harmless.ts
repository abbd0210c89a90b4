/** Text from Redis, so that a terminal only ever shows it. @module */

/** More of a text than a screen can hold is never looked at. */
const mostShown = 65_536;

/**
 * What a terminal would act on, or not show, or show elsewhere than it stands: control characters, ANSI escapes among them, what turns the
 * direction of writing, what has no width, line ends, halves of surrogate pairs, what no font has.
 */
const unshown = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;

const known: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\x1b": "\\e", "\u00a0": " ", "\u3000": " " };

/** One line of text, each such character as its escape: `\n`, `\e`, `\x07`, `\u202e`. */
export function harmless(text: string): string {
  return text.slice(0, mostShown).replace(unshown, (char) => known[char] ?? escapeOf(char.codePointAt(0)!));
}

function escapeOf(code: number): string {
  const digits = code.toString(16);
  if (code < 0x100) return `\\x${digits.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${digits.padStart(4, "0")}` : `\\u{${digits}}`;
}
