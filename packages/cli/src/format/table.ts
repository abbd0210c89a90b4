/**
 * Columns as Asynq's CLI prints them: headers, a row of dashes as long as each header is in bytes, the rows; two spaces between columns, the
 * last one padded too, so lines end in spaces.
 * @see Asynq tools/asynq/cmd/root.go, `printTable`
 * @module
 */

/** What a cell may hold; numbers and the like are printed as they are. */
export type Cell = string | number | bigint | boolean;

/** Every row is as wide as the widest cell: one payload of a megabyte would make a gigabyte of a page. */
const mostOfCell = 10_000;

/** A table that ends in a newline, of a long cell its beginning; `dashes` is the length of all dashes where it is not each header's. */
export function table(headers: readonly string[], rows: readonly (readonly Cell[])[], dashes?: number): string {
  const rule = headers.map((name) => "-".repeat(dashes ?? Buffer.byteLength(name)));
  return alignTabs([headers, rule, ...rows].map((cells) => `${cells.map((cell) => `${shortened(String(cell))}\t`).join("")}\n`).join(""));
}

function shortened(cell: string): string {
  // No half of a surrogate pair is left before the dots.
  return cell.length <= mostOfCell ? cell : `${cell.slice(0, mostOfCell).replace(/[\ud800-\udbff]$/, "")}…`;
}

/**
 * Text with tabs, aligned as Go's `text/tabwriter` does with Asynq's settings; what is within a cell counts too, a newline in an error begins a
 * line. Cells of a line end at a tab; those above one another, without a line between that has none there, are a column. A width is counted in
 * code points.
 */
export function alignTabs(text: string): string {
  // A form feed ends what is aligned together.
  return text.split("\f").map(alignBlock).join("\n");
}

function alignBlock(text: string): string {
  const lines = text.split("\n").map((line) => line.split(/[\t\v]/));
  // What follows the last tab of a line is in no column.
  const columnsOf = (line: readonly string[] | undefined): number => (line === undefined ? 0 : line.length - 1);
  const columns = lines.reduce((most, line) => Math.max(most, columnsOf(line)), 0);
  for (let nth = 0; nth < columns; nth++) {
    for (let from = 0; from < lines.length; from++) {
      let [to, width] = [from, 0];
      for (; columnsOf(lines[to]) > nth; to++) width = Math.max(width, lengthOf(lines[to]![nth]!) + 2);
      for (; from < to; from++) lines[from]![nth] += " ".repeat(width - lengthOf(lines[from]![nth]!));
    }
  }
  return lines.map((cells) => cells.join("")).join("\n");
}

function lengthOf(text: string): number {
  return [...text].length;
}
