import { readFileSync } from "node:fs";
import type { Mutant } from "./instrument.ts";

/** Why nobody kills a mutant. */
export const reasons = {
  same: "it means the same",
  types: "what it no longer asks is asked for TypeScript's sake: it is always so",
  speed: "it means the same, and takes more time or room",
  redis: "Redis has no such answer: a set without members is none",
  name: "it shows only where somebody is named as the mutant's own text",
} as const;

/** A mutant that lives, by the line that it changes. */
export interface KnownSurvivor {
  readonly file: string;
  readonly before: string;
  readonly after: string;
  readonly why: keyof typeof reasons;
}

export const knownSurvivors: readonly KnownSurvivor[] = JSON.parse(readFileSync(new URL("known-survivors.json", import.meta.url), "utf8"));

export function isKnown({ file, before, after }: Mutant): boolean {
  return knownSurvivors.some((known) => known.file === file && known.before === before && known.after === after);
}
