import type { Line, Look } from "./line.ts";

/** How many colours a terminal has: none, 16, or 256 and more. */
export type Depth = 1 | 4 | 8;

/** What a run of an asynqjs has to know of its terminal. */
export function depthOf({ NO_COLOR = "", TERM = "", COLORTERM = "", FORCE_COLOR }: Readonly<Record<string, string | undefined>>): Depth {
  if (NO_COLOR !== "" || FORCE_COLOR === "0" || TERM === "dumb") return 1;
  if (/256|kitty|ghostty|alacritty/.test(TERM) || COLORTERM !== "") return 8;
  return 4;
}

/** The line as text with the codes of its looks; each look is undone where it ends. */
export function paint(line: Line, depth: Depth): string {
  return line.map(({ text, look }) => (look === undefined || text === "" ? text : paintText(text, look, depth))).join("");
}

function paintText(text: string, { color, background, bold, underline, dim, inverse }: Look, depth: Depth): string {
  const codes: string[] = [];
  if (bold) codes.push("1");
  if (dim && depth > 1) codes.push("2");
  if (underline) codes.push("4");
  if (inverse && depth === 1) codes.push("7");
  if (depth > 1) {
    if (color !== undefined) codes.push(colorCode(color, 38, depth));
    if (background !== undefined) codes.push(colorCode(background, 48, depth));
  }
  return codes.length === 0 ? text : `\x1b[${codes.join(";")}m${text}\x1b[0m`;
}

function colorCode(color: number, base: 38 | 48, depth: Depth): string {
  if (depth === 8) return `${base};5;${color}`;
  const near = color < 16 ? color : nearest(color);
  return String((near < 8 ? base - 8 : base + 52 - 8) + near);
}

/** The one of the 16 colours that is most like one of the 256. */
function nearest(color: number): number {
  if (color >= 232) return color < 238 ? 0 : color < 244 ? 8 : color < 250 ? 7 : 15;
  const cube = color - 16;
  const parts = [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6];
  const most = Math.max(...parts);
  const bits = parts.reduce((sum, part, i) => sum + (part * 2 > most ? 1 << i : 0), 0);
  return most > 3 ? bits + 8 : bits;
}
