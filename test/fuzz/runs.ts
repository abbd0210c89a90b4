import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** How many inputs each target is fed by `npm test`, and by `npm run fuzz` unless told otherwise. */
export const defaultInputs = { messages: 1_000_000, gateway: 100_000, replies: 50_000, answers: 50_000 } as const;

/** Another one each time, unless told: it is printed, and every input can be made again from it. */
export const seed: number = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** What was found before, a line each; `#` begins a comment line. */
export function readCorpus(name: string): string[] {
  const file = fileURLToPath(new URL(`corpus/${name}.txt`, import.meta.url));
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
}
