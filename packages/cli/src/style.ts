import type { Output, Surroundings } from "./surroundings.ts";

/** Emphasis by a terminal's own codes, in text that is shown by `terminalText`. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
}

/** Tells our own codes from those in text out of Redis, which cannot know it: `terminalText` takes it away. */
const ours: string = crypto.randomUUID();

const marked: RegExp = new RegExp(`\\x1b\\[${ours}:(\\d+)m`, "g");

/** Text as `Style` left it, its codes as the terminal knows them and what is between them by `rest`. */
export function unmarked(text: string, rest: (text: string) => string): string {
  return text
    .split(marked)
    .map((part, nth) => (nth % 2 === 1 ? `\x1b[${part}m` : rest(part)))
    .join("");
}

/** On a terminal, unless `NO_COLOR` is set to anything or it is a dumb one. */
export function wantsColor({ isTTY = false }: Output, { NO_COLOR = "", TERM }: Surroundings["env"]): boolean {
  return isTTY && NO_COLOR === "" && TERM !== "dumb";
}

/** Where colour is not wanted text is left as it is. */
export function makeStyle(output: Output, env: Surroundings["env"]): Style {
  const on = wantsColor(output, env);
  const paint =
    (from: number, to: number) =>
    (text: string): string =>
      on ? `\x1b[${ours}:${from}m${text}\x1b[${ours}:${to}m` : text;
  return { bold: paint(1, 22), dim: paint(2, 22), red: paint(31, 39), green: paint(32, 39), yellow: paint(33, 39) };
}
