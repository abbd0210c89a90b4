import type { Mutant } from "./instrument.ts";
import type { Outcome } from "./kill-all.ts";
import { isKnown, knownSurvivors, reasons } from "./known-survivors.ts";

/** So many of a hundred mutants have to be killed. */
const leastPercent = 90;

/** Prints what became of the mutants, by file, and who lives without being known. Answers whether nobody does, and enough were killed. */
export function tellReport(mutants: readonly Mutant[], { kills, unreached, unfit }: Outcome, isWhole: boolean): boolean {
  for (const [test, why] of unfit) console.log(`core: was asked nothing: ${test}: ${why}`);
  for (const file of new Set(mutants.map((mutant) => mutant.file))) {
    console.log(`core: ${file}: ${countsOf(mutants.filter((mutant) => mutant.file === file))}`);
  }
  const strangers = mutants.filter((mutant) => !kills.has(mutant.id) && !isKnown(mutant));
  for (const { id, file, line, mutator, before, after } of strangers) {
    console.log(`${file}:${line} ${mutator} lives${unreached.has(id) ? ", and no test gets there" : ""}\n  - ${before}\n  + ${after}`);
  }
  const gone = knownSurvivors.filter(
    (known) =>
      isWhole && !mutants.some(({ file, before, after }) => file === known.file && before === known.before && after === known.after),
  );
  for (const { file, before, after } of gone)
    console.log(`${file}: known, but there is no such mutant any more\n  - ${before}\n  + ${after}`);
  for (const [why, words] of Object.entries(reasons)) {
    console.log(`core: known to live: ${knownSurvivors.filter((known) => known.why === why).length} lines: ${words}`);
  }
  console.log(`core: ${countsOf(mutants)}`);
  return strangers.length === 0 && gone.length === 0 && (!isWhole || percentOf(mutants) >= leastPercent);

  function percentOf(some: readonly Mutant[]): number {
    return (100 * some.filter(({ id }) => kills.has(id)).length) / some.length;
  }

  function countsOf(some: readonly Mutant[]): string {
    const living = some.filter(({ id }) => !kills.has(id));
    const known = living.filter(isKnown).length;
    return `${some.length} mutants, ${some.length - living.length} killed, ${known} known to live, ${living.length - known} live: ${percentOf(some).toFixed(1)} %`;
  }
}
