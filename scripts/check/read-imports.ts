import { readFileSync } from "node:fs";
import { parseSync } from "oxc-parser";

/** One import of a file, as it is written. */
export interface Import {
  readonly from: string;
  /** Gone once the types are stripped, so it makes no cycle. */
  readonly typeOnly: boolean;
}

/** Every module a file names: imports, re-exports and dynamic imports of a literal. */
export function readImports(file: string): Import[] {
  const source = readFileSync(file, "utf8");
  const { module, errors } = parseSync(file, source);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]!.message}`);
  const found: Import[] = [];
  for (const { moduleRequest, entries } of module.staticImports)
    found.push({ from: moduleRequest.value, typeOnly: entries.length > 0 && entries.every(({ isType }) => isType) });
  for (const { entries } of module.staticExports) {
    const [first] = entries;
    if (first?.moduleRequest) found.push({ from: first.moduleRequest.value, typeOnly: entries.every(({ isType }) => isType) });
  }
  for (const { moduleRequest } of module.dynamicImports) {
    const literal = /^(["'])(.*)\1$/.exec(source.slice(moduleRequest.start, moduleRequest.end));
    if (literal !== null) found.push({ from: literal[2]!, typeOnly: false });
  }
  return found;
}
