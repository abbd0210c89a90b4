const bars = "▁▂▃▄▅▆▇█";

/** The last values as bars, the highest one full; as wide as said, from the right. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const most = Math.max(...shown, 0);
  const line = shown.map((value) => (most === 0 || value <= 0 ? bars[0]! : bars[Math.min(7, Math.ceil((value / most) * 8) - 1)]!)).join("");
  return line.padStart(width);
}
