import type { Output, Surroundings } from "./surroundings.ts";

/** Emphasis by a terminal's own codes. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
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
      on ? `\x1b[${from}m${text}\x1b[${to}m` : text;
  return { bold: paint(1, 22), dim: paint(2, 22), red: paint(31, 39), green: paint(32, 39), yellow: paint(33, 39) };
}
