import { expect, test } from "vitest";
import { cut, ends, fill, fit, lineWidth, overlay, plain, slice, widthOf, wrap } from "./line.ts";

const textOf = (line: readonly { readonly text: string }[]): string => line.map(({ text }) => text).join("");

test("text is cut by columns, and a wide character that does not fit is left out whole", () => {
  expect(cut("abcdef", 4)).toBe("abc…");
  expect(cut("abcd", 4)).toBe("abcd");
  expect(cut("漢字漢字", 6)).toBe("漢字…");
  expect(cut("漢字漢字", 5)).toBe("漢字…");
  expect(cut("漢字", 0)).toBe("");
  expect(widthOf(cut("👩‍👩‍👧".repeat(10), 7))).toBeLessThanOrEqual(7);
});

test("fitted text has exactly its columns, however long, wide or combined it is", () => {
  for (const text of ["", "a", "漢字テキスト", "é".repeat(30), "e\u0301".repeat(30), "z\u0301\u0302\u0303".repeat(5000), "👍🏽👍🏽👍🏽"])
    for (const width of [1, 2, 3, 7, 10]) expect([text.slice(0, 5), widthOf(fit(text, width))]).toEqual([text.slice(0, 5), width]);
  expect(fit("7", 3, "right")).toBe("  7");
});

test("a slice through wide characters keeps its columns: half of one is a space", () => {
  const line = [...plain("a漢", { bold: true }), ...plain("字b")];
  expect(textOf(slice(line, 0, 2))).toBe("a ");
  expect(textOf(slice(line, 2, 5))).toBe(" 字");
  expect(lineWidth(slice(line, 1, 4))).toBe(3);
});

test("a block laid over lines covers its columns and no others, wide ones too", () => {
  const below = [plain("漢字漢字漢字"), plain("short")];
  const over = overlay(below, [plain("[ab]")], 0, 3, 12);
  expect(textOf(over[0]!)).toBe("漢 [ab] 漢字");
  expect(lineWidth(over[0]!)).toBe(12);
  expect(over[1]).toBe(below[1]);
});

test("a line is filled to its width, and what stands right gives way", () => {
  expect(textOf(fill(plain("ab"), 4))).toBe("ab  ");
  expect(textOf(fill(plain("abcdef"), 4))).toBe("abcd");
  expect(textOf(ends(plain("left"), plain("right"), 12))).toBe("left   right");
  expect(textOf(ends(plain("left"), plain("right"), 8))).toBe("left    ");
});

test("text is wrapped at spaces where they are near, else anywhere, and nothing of it is lost", () => {
  expect(wrap("Delete task of queue mail?", 14)).toEqual(["Delete task of", "queue mail?"]);
  expect(wrap("Delete tasks now", 14)).toEqual(["Delete tasks ", "now"]);
  expect(wrap("abcdefghij", 4)).toEqual(["abcd", "efgh", "ij"]);
  expect(wrap("漢字漢", 4)).toEqual(["漢字", "漢"]);
  expect(wrap("", 4)).toEqual([""]);
});
