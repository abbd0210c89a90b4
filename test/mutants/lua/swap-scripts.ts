/** Gives the scripts of core other texts, in this process and for all who send them. @module */
import { sha1 } from "@asynqjs/core";
import { type CoreScript, chunks, coreScripts, textOf, textWith } from "./chunks.ts";
import type { Mutant } from "./job.ts";

const chunkOf = new Map(chunks.map((chunk) => [chunk.name, chunk]));

/** Other bytes and the same meaning: who takes such a script for another one says nothing of a mutant either. */
const asTheyAre = new Map(
  coreScripts.map(({ name }) => {
    const text = textOf(name);
    return [name, (...variant: Parameters<typeof text>) => `${text(...variant)}\n-- as it is`];
  }),
);

let mutated: ReadonlyMap<string, CoreScript["text"]> = new Map();
let sent = new Set<string>();

for (const script of coreScripts) {
  const { name } = script;
  script.text = (codec, allowOom) => (mutated.get(name) ?? asTheyAre.get(name)!)(codec, allowOom);
  script.sha = (codec, allowOom) => {
    sent.add(name);
    return sha1(script.text(codec, allowOom));
  };
}

/** From now on the scripts are this mutant's; without one, as they are. */
export function swapScripts(mutant?: Mutant): void {
  if (mutant === undefined) {
    mutated = new Map();
    return;
  }
  const chunk = chunkOf.get(mutant.chunk)!;
  const lua = chunk.lua.slice(0, mutant.start) + mutant.text + chunk.lua.slice(mutant.end);
  mutated = new Map(chunk.scripts.map((script) => [script, textWith(chunk, lua, script)]));
}

/** The scripts sent since the last look. */
export function takeSent(): ReadonlySet<string> {
  const taken = sent;
  sent = new Set();
  return taken;
}

/** Whether a mutant can show where these scripts are sent. */
export function concerns({ chunk }: Mutant, scripts: ReadonlySet<string>): boolean {
  return chunkOf.get(chunk)!.scripts.some((script) => scripts.has(script));
}
