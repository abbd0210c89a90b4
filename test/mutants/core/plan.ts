/** Whom to ask next, of those who live. @module */
import type { Mutant } from "./instrument.ts";
import type { Job, Plan } from "./job.ts";

/** What is known of a test once it has run with the code as it is. */
export interface TestSeen {
  readonly file: string;
  readonly ms: number;
  readonly isQuick: boolean;
  /** The mutants that it passes by. */
  readonly reached: ReadonlySet<string>;
}

/** Long tests that reach a mutant are asked about it, the shortest first, until that has taken so long. */
const patienceMs = 5_000;

/** A mutant is loaded for so many test files. */
const filesEach = 3;

const isOwn = (testFile: string, file: string): boolean => testFile.replace(/\.test\.ts$/, ".ts") === file;

/** For each the tests that were too long to be asked about all; their files shared among processes. */
export function planTests(
  living: readonly Mutant[],
  seen: ReadonlyMap<string, TestSeen>,
  processes: number,
): Pick<Job, "plan" | "files">[] {
  const long = [...seen].filter(([, { isQuick }]) => !isQuick).sort(([, a], [, b]) => a.ms - b.ms);
  const plan: Record<string, string[]> = {};
  for (const { id } of living) {
    let leftMs = patienceMs;
    for (const [test, { ms }] of long.filter(([, test]) => test.reached.has(id))) {
      leftMs -= ms;
      if (leftMs < 0) break;
      plan[test] = [...(plan[test] ?? []), id];
    }
  }
  const files = [...new Set(Object.keys(plan).map((test) => seen.get(test)!.file))].sort();
  return sharesOf(files, processes).map((some) => ({ plan: plan as Plan, files: some }));
}

/** For those that were passed by as modules were loaded: the files that reach most of their module, its own before all. */
export function planLoads(
  all: readonly Mutant[],
  living: readonly Mutant[],
  loaded: ReadonlySet<string>,
  seen: ReadonlyMap<string, TestSeen>,
  processes: number,
): Pick<Job, "loaded">[] {
  const inFile = new Map<string, Set<string>>();
  const msOf = new Map<string, number>();
  for (const { file, ms, reached } of seen.values()) {
    inFile.set(file, new Set([...(inFile.get(file) ?? []), ...reached]));
    msOf.set(file, (msOf.get(file) ?? 0) + ms);
  }
  const filesOf = (module: string): readonly string[] => {
    const ids = all.filter(({ file }) => file === module).map(({ id }) => id);
    const score = (file: string): number =>
      isOwn(file, module) ? Number.POSITIVE_INFINITY : ids.filter((id) => inFile.get(file)!.has(id)).length / (1_000 + msOf.get(file)!);
    const scores = new Map([...inFile.keys()].map((file) => [file, score(file)]));
    return [...scores]
      .filter(([, score]) => score > 0)
      .sort(([, a], [, b]) => b - a)
      .slice(0, filesEach)
      .map(([file]) => file);
  };
  const asked = living.filter(({ id }) => loaded.has(id));
  const known = new Map([...new Set(asked.map(({ file }) => file))].map((module) => [module, filesOf(module)]));
  return sharesOf(asked, processes).map((some) => ({ loaded: some.map(({ id, file }) => ({ mutant: id, files: known.get(file)! })) }));
}

/** Shares things out in turn; no share is empty. */
export function sharesOf<T>(things: readonly T[], shares: number): T[][] {
  return Array.from({ length: shares }, (_, share) => things.filter((_, i) => i % shares === share)).filter((some) => some.length > 0);
}
