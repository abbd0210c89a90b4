import { describe, expect, test } from "vitest";
import { missing, readPage } from "../docs/named-files.ts";
import { readMatrix, testPattern } from "./matrix.ts";

const page = readPage("docs/testing.md");
const section = /\n## The fault matrix\n(.*?)\n## /s.exec(page)![1]!;

describe("the fault matrix", () => {
  test("has the rows F1 to F43, each shown by a test that is there, or with what brings it", () => {
    const rows = readMatrix();

    expect(rows.map(({ row }) => row)).toEqual(Array.from({ length: 43 }, (_, i) => `F${i + 1}`));
    for (const { row, shown, text } of rows) expect(shown.length > 0 || text.startsWith("comes with the issue"), row).toBe(true);
    expect(missing(section)).toEqual([]);
  });

  test("is read as it stands: files, the names behind each, and what the page calls a file below packages/", () => {
    expect(readMatrix('| F1 | a fault | `core/src/a.test.ts` "x", "y"; `test/b.chaos.ts` "F1: "; and more |')).toEqual([
      {
        row: "F1",
        fault: "a fault",
        shown: [
          { file: "packages/core/src/a.test.ts", names: ["x", "y"] },
          { file: "test/b.chaos.ts", names: ["F1: "] },
        ],
        text: '`core/src/a.test.ts` "x", "y"; `test/b.chaos.ts` "F1: "; and more',
      },
    ]);
  });

  test("finds tests by parts of their names, whatever a template leaves open", () => {
    const pattern = new RegExp(testPattern(["is done (%s)", `hole \${hole}: healed`]));

    expect(pattern.test("a task is done (drop-reply): once")).toBe(true);
    expect(pattern.test("hole A: healed")).toBe(true);
    expect(pattern.test("is done drop-reply")).toBe(false);
  });
});
