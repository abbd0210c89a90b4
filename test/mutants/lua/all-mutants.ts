import { readFileSync } from "node:fs";
import path from "node:path";
import { type Chunk, chunks, root } from "./chunks.ts";
import type { Mutant } from "./job.ts";
import { mutationsOf } from "./mutations-of.ts";

/** A mutant, and how it is told. */
export interface ToldMutant extends Mutant {
  readonly file: string;
  readonly line: number;
  /** The line it changes, as it was and as it is. */
  readonly before: string;
  readonly after: string;
}

/** The mutants of the chunks of these names, or of all. @throws {Error} there is no chunk of a name */
export function allMutants(names: readonly string[] = []): ToldMutant[] {
  const unknown = names.filter((name) => chunks.every((chunk) => chunk.name !== name));
  if (unknown.length > 0) throw new Error(`no Lua is named ${unknown.join(", ")}; there are ${chunks.map(({ name }) => name).join(", ")}`);
  return chunks
    .filter(({ name }) => names.length === 0 || names.includes(name))
    .flatMap((chunk) => {
      const lines = sourceLines(chunk);
      return mutationsOf(chunk.lua)
        .filter(({ start, end }) => !chunk.holes.some(([from, to]) => start < to && end > from))
        .map((mutation) => ({ ...mutation, ...told(chunk, lines, mutation) }));
    })
    .map((mutant, id) => ({ ...mutant, id }));
}

function told(
  { name, file, lua }: Chunk,
  lines: readonly number[],
  { start, end, text }: Pick<Mutant, "start" | "end" | "text">,
): Omit<ToldMutant, "id" | "start" | "end" | "text"> {
  const lineStart = lua.lastIndexOf("\n", start - 1) + 1;
  const lineEnd = lua.indexOf("\n", end);
  const whole = (middle: string): string =>
    `${lua.slice(lineStart, start)}${middle.includes("\n") ? `${middle.split("\n")[0]} …` : middle}${lua.slice(end, lineEnd < 0 ? undefined : lineEnd)}`.trim();
  const line = lines[lua.slice(0, start).split("\n").length - 1]!;
  return { chunk: name, file, line, before: whole(lua.slice(start, end)), after: whole(text) };
}

/** For each line of a chunk the number of the line it stands at in its file; of lines that another chunk brings, the number of where it comes in. */
function sourceLines({ name, file, lua, holes }: Chunk): number[] {
  const source = readFileSync(path.join(root, file), "utf8").split("\n");
  const declares = [`  name: "${name}",`, `export const ${name}:`, ...(name === "enqueue" ? ["export const enqueueLua:"] : [])];
  let at = source.findIndex((line) => declares.some((words) => line.startsWith(words)));
  let offset = 0;
  return lua.split("\n").map((line) => {
    const isInHole = holes.some(([from, to]) => offset + line.length > from && offset < to);
    offset += line.length + 1;
    if (!isInHole && line.trim() !== "") at = source.findIndex((candidate, i) => i >= at && isWrittenAs(line.trim(), candidate.trim()));
    return at + 1;
  });
}

/** Whether a line of a template stands for this line of Lua. */
function isWrittenAs(line: string, template: string): boolean {
  const [first, ...others] = template
    .replace(/^export const \w+: string = \/\* lua \*\/ `/, "")
    .replaceAll("\\\\", "\\")
    .split(/\$\{[^}]*\}+/);
  if (others.length === 0) return line === first;
  return template.replaceAll(/\$\{[^}]*\}+/g, "") !== "" && line.startsWith(first!) && line.endsWith(others.at(-1)!);
}
