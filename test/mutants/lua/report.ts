import type { ToldMutant } from "./all-mutants.ts";
import type { Kill } from "./lane.ts";

/** Prints what became of the mutants, by chunk; who lives and is not known; who is known and does not live. Answers whether there is none of either. */
export function tellReport(
  mutants: readonly ToldMutant[],
  known: ReadonlySet<number>,
  kills: ReadonlyMap<number, Kill>,
  unfit: ReadonlyMap<string, string>,
): boolean {
  for (const [name, why] of unfit) console.log(`lua: fails with the scripts as they are, and was asked nothing: ${name}: ${why}`);
  for (const name of new Set(mutants.map(({ chunk }) => chunk))) {
    console.log(`lua: ${name}: ${countsOf(mutants.filter(({ chunk }) => chunk === name))}`);
  }
  const strangers = mutants.filter(({ id }) => kills.has(id) === known.has(id));
  for (const { id, file, line, before, after } of strangers) {
    const killed = kills.get(id);
    console.log(
      `${file}:${line} ${killed === undefined ? "lives" : `is known to mean the same, but was killed by ${killed.by}: ${killed.why}`}`,
    );
    console.log(`  - ${before}\n  + ${after}`);
  }
  console.log(`lua: ${countsOf(mutants)}`);
  return strangers.length === 0;

  function countsOf(some: readonly ToldMutant[]): string {
    const killed = some.filter(({ id }) => kills.has(id)).length;
    const same = some.filter(({ id }) => known.has(id) && !kills.has(id)).length;
    const score = ((100 * killed) / (some.length - same)).toFixed(1);
    return `${some.length} mutants, ${killed} killed, ${same} mean the same, ${some.length - killed - same} live: ${score} %`;
  }
}
