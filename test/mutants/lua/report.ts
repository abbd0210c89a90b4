import type { ToldMutant } from "./all-mutants.ts";
import { knownSurvivors } from "./known-survivors.ts";
import type { Kill } from "./lane.ts";

/** Prints what became of the mutants, by chunk, and who lives. Answers whether all of those are known. */
export function tellReport(mutants: readonly ToldMutant[], kills: ReadonlyMap<number, Kill>, unfit: ReadonlyMap<string, string>): boolean {
  const isKnown = ({ chunk, before, after }: ToldMutant): boolean =>
    knownSurvivors.some((known) => known.chunk === chunk && known.before === before && known.after === after);
  for (const [name, why] of unfit) console.log(`lua: fails with the scripts as they are, and was asked nothing: ${name}: ${why}`);
  for (const name of new Set(mutants.map(({ chunk }) => chunk))) {
    console.log(`lua: ${name}: ${countsOf(mutants.filter(({ chunk }) => chunk === name))}`);
  }
  const strangers = mutants.filter((mutant) => !kills.has(mutant.id) && !isKnown(mutant));
  for (const { file, line, before, after } of strangers) console.log(`${file}:${line}\n  - ${before}\n  + ${after}`);
  console.log(`lua: ${countsOf(mutants)}`);
  return strangers.length === 0;

  function countsOf(some: readonly ToldMutant[]): string {
    const alive = some.filter(({ id }) => !kills.has(id));
    const known = alive.filter(isKnown).length;
    const score = ((100 * (some.length - alive.length)) / some.length).toFixed(1);
    return `${some.length} mutants, ${some.length - alive.length} killed, ${alive.length} alive (${known} known to mean the same), ${score} %`;
  }
}
