import { expect, test } from "vitest";
import { lineWidth } from "./line.ts";
import { sparkline } from "./sparkline.ts";
import { type Column, table } from "./table.ts";

interface Row {
  readonly id: string;
  readonly n: number;
  readonly payload: string;
}
const columns: readonly Column<Row>[] = [
  { name: "ID", least: 8, text: ({ id }) => id },
  { name: "Size", side: "right", text: ({ n }) => String(n) },
  { name: "Payload", least: 10, text: ({ payload }) => payload },
];
const rows: readonly Row[] = [
  { id: "7ed9ded5-f4ca-4717-b19d-e6663a4970e7", n: 1234567, payload: "x".repeat(100) },
  { id: "漢字漢字漢字", n: 1, payload: "" },
];
const texts = (width: number): string[] => table(columns, rows, width, undefined).map((line) => line.map(({ text }) => text).join(""));

test("a table is drawn together as its screen narrows: gaps first, then what can be cut, numbers last", () => {
  expect(texts(200)[1]).toMatch(/^7ed9ded5-f4ca-4717-b19d-e6663a4970e7 {4}1234567 {4}x{100} +$/);
  expect(texts(30)).toEqual(["ID           Size Payload     ", "7ed9ded5… 1234567 xxxxxxxxxxx…", "漢字漢字…       1             "]);
  expect(texts(12)[1]).toBe("7e… 12… xxx…");
});

test("a column whose name does not fit is called by its short one", () => {
  const named: readonly Column<Row>[] = [{ name: "Next Process Time", short: "Due", least: 5, text: () => "in 5s" }, columns[2]!];
  const head = (width: number): string =>
    table(named, rows, width, undefined)[0]!
      .map(({ text }) => text)
      .join("");
  expect(head(120)).toMatch(/^Next Process Time +Payload/);
  expect(head(30)).toMatch(/^Due +Payload/);
});

test("each line is as wide as the screen, on any screen", () => {
  for (let width = 1; width <= 220; width++) for (const line of table(columns, rows, width, 0)) expect(lineWidth(line)).toBe(width);
});

test("a sparkline shows the last values by the highest of them, from the right", () => {
  expect(sparkline([0, 1, 4, 8], 6)).toBe("  ▁▁▄█");
  expect(sparkline([100, 0, 0, 2], 2)).toBe("▁█");
  expect(sparkline([], 3)).toBe("   ");
});
