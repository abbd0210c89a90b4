/**
 * Columns as Asynq's CLI prints them: headers, a row of dashes as long as each header is in bytes, the rows; two spaces between columns, the
 * last one padded too, so lines end in spaces.
 * @see Asynq tools/asynq/cmd/root.go, `printTable`
 * @module
 */

/** What a cell may hold; numbers and the like are printed as they are. */
export type Cell = string | number | bigint | boolean;

/** A table that ends in a newline; `dashes` is the length of all dashes where it is not each header's. */
export function table(headers: readonly string[], rows: readonly (readonly Cell[])[], dashes?: number): string {
  const rule = headers.map((name) => "-".repeat(dashes ?? Buffer.byteLength(name)));
  return alignTabs([headers, rule, ...rows].map((cells) => `${cells.map((cell) => `${cell}\t`).join("")}\n`).join(""));
}

/** Cells of a line end at a tab; those above one another, without a line between that has none there, are a column. */
type Line = readonly string[];

/**
 * Text with tabs, aligned as Go's `text/tabwriter` does with Asynq's settings; what is within a cell counts too, a newline in an error begins a
 * line. A width is counted in code points.
 */
export function alignTabs(text: string): string {
  // A form feed ends what is aligned together.
  return text.split("\f").map(alignBlock).join("\n");
}

function alignBlock(text: string): string {
  const lines = text.split("\n").map((line) => line.split(/[\t\v]/));
  return align(lines, []).join("\n");
}

function align(lines: readonly Line[], widths: readonly number[]): string[] {
  const nth = widths.length;
  const hasColumn = (line: Line | undefined): line is Line => line !== undefined && nth < line.length - 1;
  const aligned: string[] = [];
  for (let from = 0; from < lines.length; ) {
    let to = from;
    while (hasColumn(lines[to])) to++;
    if (to === from) {
      aligned.push(pad(lines[from++]!, widths));
      continue;
    }
    const column = lines.slice(from, to);
    const width = Math.max(...column.map((line) => lengthOf(line[nth]!))) + 2;
    aligned.push(...align(column, [...widths, width]));
    from = to;
  }
  return aligned;
}

function pad(line: Line, widths: readonly number[]): string {
  return line.map((cell, nth) => cell + " ".repeat(nth < widths.length ? widths[nth]! - lengthOf(cell) : 0)).join("");
}

function lengthOf(text: string): number {
  return [...text].length;
}
