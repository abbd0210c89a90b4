import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** A piece of a README that somebody will copy: a fenced block that names its language. One without a language is a drawing. */
export interface ReadmeBlock {
  /** The README, from the top of the workspace. */
  readonly file: string;
  /** The README and the heading it stands under, numbered from the second one of a heading on. */
  readonly name: string;
  readonly language: string;
  readonly text: string;
}

/** The README at the top and that of every package. */
export function readBlocks(root: string = fileURLToPath(new URL("../../", import.meta.url))): ReadmeBlock[] {
  const files = ["README.md", ...globSync("packages/*/README.md", { cwd: root }).sort()];
  return files.flatMap((file) => blocksOf(file, readFileSync(path.join(root, file), "utf8")));
}

function blocksOf(file: string, markdown: string): ReadmeBlock[] {
  const blocks: ReadmeBlock[] = [];
  const seen = new Map<string, number>();
  let heading = "";
  for (const found of markdown.matchAll(/^#+ (?<heading>.*)$|^```(?<language>\w*)\n(?<text>[\s\S]*?)^```$/gm)) {
    const { language, text, heading: next } = found.groups!;
    if (next !== undefined) heading = next;
    if (!language) continue;
    const count = (seen.get(heading) ?? 0) + 1;
    seen.set(heading, count);
    blocks.push({ file, name: `${file}: ${heading}${count > 1 ? ` (${count})` : ""}`, language, text: text! });
  }
  return blocks;
}
