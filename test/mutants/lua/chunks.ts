/**
 * The Lua there is, by the file it stands in: the bodies of scripts, and what they are put together from.
 * @module
 */
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as core from "@asynqjs/core";

/** The workspace. */
export const root: string = fileURLToPath(new URL("../../..", import.meta.url));

/** A script as core exports it; what it is linked from. */
export interface CoreScript {
  readonly name: string;
  readonly lua: string;
  text: (codec: core.RedisFeatures["codec"], allowOom: boolean) => string;
  sha: (codec: core.RedisFeatures["codec"], allowOom: boolean) => string | Promise<string>;
}

export interface Chunk {
  /** The script's name, or that of the constant. */
  readonly name: string;
  /** From the workspace on. */
  readonly file: string;
  readonly lua: string;
  /** Which scripts it is in. */
  readonly scripts: readonly string[];
  /** Where other chunks stand in it, from and to: they are mutated for themselves. */
  readonly holes: readonly (readonly [number, number])[];
}

/** Every script there is. */
export const coreScripts: readonly CoreScript[] = Object.values(core as Record<string, unknown>).filter(
  (value): value is CoreScript => typeof value === "object" && value !== null && "text" in value && "sha" in value,
);

/** Every file that has Lua, with what it exports. */
const files = await Promise.all(
  globSync("packages/core/src/{broker,lua}/*.ts", { cwd: root, exclude: ["**/*.test.ts"] })
    .sort()
    .map(async (file) => {
      const source = readFileSync(path.join(root, file), "utf8");
      const exports: Record<string, unknown> = source.includes("/* lua */") ? await import(pathToFileURL(path.join(root, file)).href) : {};
      return { file, source, exports };
    }),
);

const enqueueLua = files.map(({ exports }) => exports.enqueueLua).find((lua): lua is string => typeof lua === "string")!;

/** As they are linked. `enqueue` ships linked beforehand, its text compacted: its body is in a file of its own. */
const readable = new Map(
  coreScripts.map((script) => [
    script.name,
    script.name === "enqueue" ? { ...script, ...core.enqueueNames, lua: enqueueLua } : { ...script },
  ]),
);

/** `enqueue` ships one text for either codec: its body has by itself what undoes JSON text. */
function link(script: CoreScript): CoreScript["text"] {
  const { text } = core.defineScript(script as never);
  return script.name === "enqueue" ? (_, allowOom) => text("raw", allowOom) : text;
}

const parts = files.flatMap(({ file, exports }) =>
  Object.entries(exports).flatMap(([name, lua]) =>
    typeof lua === "string" && lua !== enqueueLua ? [{ name, file, lua: lua.trim() }] : [],
  ),
);

export const chunks: readonly Chunk[] = [
  ...[...readable.values()].map(({ name, lua }) => ({ name, file: fileOf(name), lua, scripts: [name] })),
  ...parts.map((part) => ({
    ...part,
    scripts: [...readable.values()].filter((script) => contains(script, part.lua)).map(({ name }) => name),
  })),
].map((chunk) => ({
  ...chunk,
  holes: parts
    .map(({ lua }) => [chunk.lua.indexOf(lua), chunk.lua.indexOf(lua) + lua.length] as const)
    .filter(([start, end]) => start >= 0 && end - start < chunk.lua.length),
}));

/** A script's text, `lua` standing where the chunk does. */
export function textWith(chunk: Chunk, lua: string, script: string): CoreScript["text"] {
  const whole = readable.get(script)!;
  if (whole.lua.includes(chunk.lua)) return link({ ...whole, lua: whole.lua.replace(chunk.lua, () => lua) });
  // The linker puts it before the body.
  return (codec, allowOom) => link(whole)(codec, allowOom).replace(chunk.lua, () => lua);
}

/** A script's text, nothing compacted. */
export function textOf(script: string): CoreScript["text"] {
  return link(readable.get(script)!);
}

function fileOf(script: string): string {
  const declares = script === "enqueue" ? "export const enqueueLua:" : `  name: "${script}",\n`;
  return files.find(({ source }) => source.includes(declares))!.file;
}

function contains(script: CoreScript, lua: string): boolean {
  // Linked, a call of bytes_of is another.
  return script.lua.includes(lua) || link(script)("json", true).includes(lua);
}
