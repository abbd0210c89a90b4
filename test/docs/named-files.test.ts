import { describe, expect, test } from "vitest";
import { missing, readPage, tableRows } from "./named-files.ts";

const pages = ["docs/parity.md", "docs/guarantees.md", "docs/decisions/0019-asynqs-defects.md"];

describe("a page that says where a thing is and what shows it", () => {
  test.for(pages)("%s names what is there", (page) => {
    expect(missing(readPage(page))).toEqual([]);
  });

  test("a file that is gone, a name and a text that are not in their file, are found", () => {
    const page =
      'see `core/src/keys.ts` `taskKey` `jobKey`, "HASH" "no such text"; `core/src/gone.ts` "x"; `test/docs/gone.json`, `keys.ts`';

    expect(missing(page)).toEqual([
      "not in core/src/keys.ts: jobKey",
      "not in core/src/keys.ts: no such text",
      "no file core/src/gone.ts",
      "no file test/docs/gone.json",
    ]);
  });

  test("docs/parity.md has a test for each row, or says what brings it, why there is none, or that it is open", () => {
    const page = readPage("docs/parity.md");
    const later = Array.from(page.matchAll(/^- \*([^*:]+)/gm), ([, title]) => title!);
    const untested = tableRows(page).filter(([, , shown = ""]) => !/`[^`]+\.(test|interop)\.ts`/.test(shown));

    expect(untested.filter(([, here = ""]) => !isLater(here, later) && !/^(none\b|\*\*open\*\*)/.test(here))).toEqual([]);
  });

  test("the defects are B1 to B28, each with what shows it, or what brings it", () => {
    const rows = tableRows(readPage(pages[2]!));
    const later = Array.from(readPage("docs/parity.md").matchAll(/^- \*([^*:]+)/gm), ([, title]) => title!);

    expect(rows.map(([name]) => name)).toEqual(Array.from({ length: 28 }, (_, i) => `B${i + 1}`));
    for (const [name, , , , shown] of rows) expect(shown, name).toSatisfy((text: string) => text.includes("`") || isLater(text, later));
  });
});

function isLater(cell: string, titles: readonly string[]): boolean {
  const title = /^\*([^*]+)\*/.exec(cell)?.[1];
  return title !== undefined && titles.includes(title);
}
