/** Columns under their names, numbers to the right, text to the left. */
export function table(columns: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const widths = columns.map((name, i) => Math.max(name.length, ...rows.map((row) => String(row[i]).length)));
  const line = (cells: readonly (string | number)[]): string =>
    cells
      .map((cell, i) => (typeof (rows[0]?.[i] ?? cell) === "number" ? String(cell).padStart(widths[i]!) : String(cell).padEnd(widths[i]!)))
      .join("  ")
      .trimEnd();
  return [line(columns), widths.map((width) => "─".repeat(width)).join("  "), ...rows.map(line)];
}
