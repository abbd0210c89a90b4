/** Lines of styled text of a known width in columns, cut and laid over one another without a terminal. @module */
import stringWidth from "string-width";

/** How text looks. Colours are of xterm's 256, by number. */
export interface Look {
  readonly color?: number;
  readonly background?: number;
  readonly bold?: boolean;
  readonly underline?: boolean;
  readonly dim?: boolean;
  /** In place of its colours where there are none. */
  readonly inverse?: boolean;
}

export interface Span {
  readonly text: string;
  readonly look?: Look | undefined;
}

export type Line = readonly Span[];

export const plain = (text: string, look?: Look): Line => [{ text, look }];

const isAscii = /^[ -~]*$/;

/** How many columns text takes. */
export function widthOf(text: string): number {
  return isAscii.test(text) ? text.length : stringWidth(text);
}

export function lineWidth(line: Line): number {
  return line.reduce((width, { text }) => width + widthOf(text), 0);
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Its characters as a reader counts them, each with its width. */
function* cells(text: string): Generator<readonly [string, number]> {
  if (isAscii.test(text)) for (const char of text) yield [char, 1];
  else for (const { segment } of graphemes.segment(text)) yield [segment, widthOf(segment)];
}

/** Text of no more than so many columns, ended by `…` where it was cut. */
export function cut(text: string, width: number): string {
  // A character is at least half a unit of text wide, but for those that combine, of which nobody reads so many.
  const start = text.length > 4 * width + 16 ? text.slice(0, 4 * width + 16).toWellFormed() : text;
  if (start === text && widthOf(text) <= width) return text;
  if (width < 1) return "";
  let kept = "";
  let at = 0;
  for (const [char, columns] of cells(start)) {
    if (at + columns > width - 1) break;
    kept += char;
    at += columns;
  }
  return `${kept}…`;
}

/** Text of exactly so many columns. */
export function fit(text: string, width: number, side: "left" | "right" = "left"): string {
  const shown = cut(text, width);
  const gap = " ".repeat(Math.max(0, width - widthOf(shown)));
  return side === "left" ? shown + gap : gap + shown;
}

/** The columns of a line from one on and before another; half of a wide character is a space. */
export function slice(line: Line, from: number, to: number): Line {
  const kept: Span[] = [];
  let at = 0;
  for (const { text, look } of line) {
    const end = at + widthOf(text);
    if (end > from && at < to) kept.push({ text: at >= from && end <= to ? text : sliceText(text, from - at, to - at), look });
    at = end;
  }
  return kept;
}

function sliceText(text: string, from: number, to: number): string {
  let kept = "";
  let at = 0;
  for (const [char, columns] of cells(text)) {
    const end = at + columns;
    if (at >= from && end <= to) kept += char;
    else kept += " ".repeat(Math.max(0, Math.min(end, to) - Math.max(at, from)));
    at = end;
  }
  return kept;
}

/** The line with exactly so many columns. */
export function fill(line: Line, width: number, look?: Look): Line {
  const has = lineWidth(line);
  if (has > width) return slice(line, 0, width);
  return has === width ? line : [...line, { text: " ".repeat(width - has), look }];
}

/** What stands left and what stands right on a line of so many columns; where both do not fit the right one is left out. */
export function ends(left: Line, right: Line, width: number, look?: Look): Line {
  const gap = width - lineWidth(left) - lineWidth(right);
  return gap < 1 ? fill(left, width, look) : [...left, { text: " ".repeat(gap), look }, ...right];
}

/** A block of lines of one width laid over others. */
export function overlay(below: readonly Line[], block: readonly Line[], top: number, left: number, width: number): readonly Line[] {
  return below.map((line, row) => {
    const over = block[row - top];
    if (over === undefined) return line;
    const right = left + lineWidth(over);
    const base = fill(line, width);
    return [...slice(base, 0, left), ...over, ...slice(base, right, width)];
  });
}

/** Text in lines of at most so many columns, broken after a space where there is one in the last half of the line. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  let at = 0;
  for (const [char, columns] of cells(text)) {
    if (at + columns > width && line !== "") {
      const space = line.lastIndexOf(" ") + 1;
      const end = char !== " " && space > line.length / 2 ? space : line.length;
      lines.push(line.slice(0, end));
      line = line.slice(end);
      at = widthOf(line);
      if (char === " ") continue;
    }
    line += char;
    at += columns;
  }
  return [...lines, line];
}
