import { readPage } from "../docs/named-files.ts";

/** A row of the fault matrix: what goes wrong, and what shows what then happens. */
export interface MatrixRow {
  readonly row: string;
  readonly fault: string;
  /** Files below `packages/` or in `test/`, with parts of names of tests in them. */
  readonly shown: readonly { readonly file: string; readonly names: readonly string[] }[];
  /** The cell as it stands. */
  readonly text: string;
}

/** The table below "The fault matrix" in `docs/testing.md`. */
export function readMatrix(page: string = readPage("docs/testing.md")): MatrixRow[] {
  return page.split("\n").flatMap((line) => {
    const cells = /^\| (F\d+) \| (.*?) \| (.*) \|$/.exec(line);
    if (cells === null) return [];
    const [, row = "", fault = "", text = ""] = cells;
    const shown = Array.from(text.matchAll(/`([\w./-]+\.ts)`((?:,? "[^"]+")*)/g), ([, named = "", names = ""]) => ({
      file: named.startsWith("test/") ? named : `packages/${named}`,
      names: Array.from(names.matchAll(/"([^"]+)"/g), ([, name]) => name!),
    }));
    return [{ row, fault, shown, text }];
  });
}

/** A pattern for vitest's `-t` that finds tests by parts of their names; what a name leaves open, `%s` or a template's hole, may be anything. */
export function testPattern(names: readonly string[]): string {
  const open = /%[a-z]|\$\{[^}]*\}/g;
  return names
    .map((name) =>
      name
        .split(open)
        .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"))
        .join(".*"),
    )
    .join("|");
}
