/** Tables that fit the screen. @module */
import { cut, fit, type Line, type Look, widthOf } from "./line.ts";

export interface Column<Row> {
  readonly name: string;
  /** In place of its name where that does not fit. */
  readonly short?: string;
  readonly side?: "left" | "right";
  /** It is cut to no less than this while others can give. Default: nothing is cut off it before all others are at their least. */
  readonly least?: number;
  readonly text: (row: Row) => string;
}

const headLook: Look = { color: 15, background: 242, inverse: true };
const chosenLook: Look = { color: 15, background: 58, inverse: true };

/** The head and a line for each row, each as wide as the screen, so that nothing wraps; those furthest above their least give first. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number, chosen: number | undefined): Line[] {
  const texts = rows.map((row) => columns.map(({ text }) => cut(text(row), width)));
  const natural = columns.map(({ name }, i) => Math.max(widthOf(name), ...texts.map((cells) => widthOf(cells[i]!))));
  const total = natural.reduce((sum, wide) => sum + wide, 0);
  const gap = total + 4 * columns.length <= width ? 4 : total + 2 * columns.length <= width ? 2 : 1;
  const room = width - gap * (columns.length - 1);
  const widths = narrow(
    natural,
    columns.map(({ least }, i) => Math.min(natural[i]!, least ?? natural[i]!)),
    room,
  );
  const row = (cells: readonly string[], look?: Look): Line => {
    const text = cells.map((cell, i) => fit(cell, widths[i]!, columns[i]!.side)).join(" ".repeat(gap));
    return [{ text: fit(text, width), look }];
  };
  return [
    row(
      columns.map(({ name, short = name }, i) => (widthOf(name) <= widths[i]! ? name : short)),
      headLook,
    ),
    ...texts.map((cells, i) => row(cells, i === chosen ? chosenLook : undefined)),
  ];
}

/** Widths that fit into the room: the one furthest above its least gives a column, again and again; in the end all give. */
function narrow(natural: readonly number[], least: readonly number[], room: number): readonly number[] {
  const widths = [...natural];
  for (const floor of [least, least.map(() => 1)]) {
    let over = widths.reduce((sum, wide) => sum + wide, 0) - room;
    for (; over > 0; over--) {
      let next = -1;
      for (const [i, wide] of widths.entries())
        if (wide > floor[i]! && (next < 0 || wide * least[next]! > widths[next]! * least[i]!)) next = i;
      if (next < 0) break;
      widths[next]!--;
    }
  }
  return widths;
}
