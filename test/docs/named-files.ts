/** Holds pages against the code: each file they name is there, and what they say stands in it does. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A file as the pages name it: with a folder, and with an ending. */
const file = /`([\w.-]+(?:\/[\w.-]+)+\.(?:ts|json))`/;
/** … and the names and texts that stand behind it. */
const fileWithNames = new RegExp(`${file.source}((?:,? (?:\`[^\`/]+\`|"[^"]+"))*)`, "g");

/** A page below the root of the workspace, as text. */
export function readPage(page: string): string {
  return readFileSync(root + page, "utf8");
}

/** Says in one line what a page names and is not there: a file below `packages/`, or in `test/`; a name or a text that is not in its file. */
export function missing(page: string): string[] {
  return Array.from(page.matchAll(fileWithNames)).flatMap(([, named = "", names = ""]) => {
    const path = root + (named.startsWith("test/") ? named : `packages/${named}`);
    if (!existsSync(path)) return [`no file ${named}`];
    const text = readFileSync(path, "utf8").replaceAll('\\"', '"');
    const absent = Array.from(names.matchAll(/`([^`]+)`|"([^"]+)"/g), ([, name, sentence]) => (name ?? sentence)!);
    return absent.filter((name) => !text.includes(name)).map((name) => `not in ${named}: ${name}`);
  });
}

/** The rows of a page's tables, as cells without the space around them; heads are left out. */
export function tableRows(page: string): string[][] {
  const lines = page.split("\n");
  return lines.flatMap((line, i) => {
    if (!line.startsWith("| ") || line.startsWith("| ---") || lines[i + 1]?.startsWith("| ---")) return [];
    return [
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    ];
  });
}
