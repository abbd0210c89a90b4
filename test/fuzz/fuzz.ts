import { setImmediate } from "node:timers/promises";
import { Chance } from "./chance.ts";
import { isPlain, watchPrototypes } from "./prototypes.ts";
import { smallest } from "./smaller.ts";
import { watchForHangs } from "./watch-for-hangs.ts";

/** What is fed with made inputs, and what must hold for each. */
export interface Target<Input> {
  readonly name: string;
  /** Makes an input; the same from the same chance. */
  readonly make: (chance: Chance) => Input;
  /**
   * Feeds one input and answers in a word what became of it, to be counted.
   * @throws whatever is wrong: any error is a find
   */
  readonly check: (input: Input) => string | Promise<string>;
  /** What is like an input and smaller, the smallest first: a find is made as small as it stays one. */
  readonly smaller: (input: Input) => Iterable<Input>;
  /** An input as a line of its corpus, and back. */
  readonly toLine: (input: Input) => string;
  readonly fromLine: (line: string) => Input;
  /** How many inputs are under way at a time. Default 1. */
  readonly atOnce?: number;
}

export interface Run {
  readonly seed: number;
  readonly inputs: number;
  /** The number of the first. Default 0. */
  readonly from?: number;
}

export interface FuzzReport extends Required<Run> {
  readonly name: string;
  /** How often what became of an input. */
  readonly outcomes: ReadonlyMap<string, number>;
  readonly seconds: number;
  readonly slowest: { readonly input: number; readonly ms: number };
}

/** An input for which something does not hold, as small as it could be made. */
class Find extends Error {
  override readonly name = "Find";
}

/**
 * Feeds a target with inputs `from` to `from + inputs - 1` of a seed.
 * @throws {Find} with the way to see it again, and its line for the corpus
 */
export async function fuzz<Input>(target: Target<Input>, { seed, inputs, from = 0 }: Run): Promise<FuzzReport> {
  const { name, make, check, atOnce = 1 } = target;
  // What is refused is refused with an error, half of a million times: where it was made is asked of none.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const altered = watchPrototypes();
  const watch = watchForHangs(name, seed);
  const outcomes = new Map<string, number>();
  const startMs = performance.now();
  let slowest = { input: from, ms: 0 };
  let next = from;
  let breathedMs = startMs;

  const feed = async (): Promise<void> => {
    while (next < from + inputs) {
      const nth = next++;
      const input = make(new Chance(seed, nth));
      watch.at(nth);
      const beganMs = performance.now();
      try {
        const became = check(input);
        const outcome = typeof became === "string" ? became : await became;
        if (!isPlain()) throw new Error("plain objects have more than they had");
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      } catch (error) {
        next = Number.POSITIVE_INFINITY;
        throw new Find(await describeFind(target, input, error, { seed, nth }));
      }
      const nowMs = performance.now();
      if (nowMs - beganMs > slowest.ms) slowest = { input: nth, ms: nowMs - beganMs };
      // vitest takes a worker that says nothing for a minute for dead.
      if (nowMs - breathedMs > 1_000) {
        breathedMs = nowMs;
        await setImmediate();
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: atOnce }, feed));
    if (altered().length > 0) throw new Find(`${name}, seed ${seed}: altered ${altered().join(", ")}`);
  } finally {
    watch.stop();
    Error.stackTraceLimit = stackTraceLimit;
  }
  return { name, seed, inputs, from, outcomes, seconds: (performance.now() - startMs) / 1000, slowest };
}

/** Feeds what was found before. @throws {Error} one of them is found again */
export async function feedCorpus<Input>({ name, check, fromLine }: Target<Input>, lines: readonly string[]): Promise<number> {
  const altered = watchPrototypes();
  for (const line of lines) {
    try {
      await check(fromLine(line));
    } catch (error) {
      throw new Find(`${name}: in the corpus again: ${line}`, { cause: error });
    }
  }
  if (altered().length > 0) throw new Find(`${name}: the corpus altered ${altered().join(", ")}`);
  return lines.length;
}

async function describeFind<Input>(
  { name, smaller, check, toLine }: Target<Input>,
  input: Input,
  error: unknown,
  { seed, nth }: { readonly seed: number; readonly nth: number },
): Promise<string> {
  const wrong = async (some: Input): Promise<unknown> => {
    try {
      await check(some);
      return undefined;
    } catch (found) {
      return found;
    }
  };
  const least = await smallest(input, smaller, async (some) => (await wrong(some)) !== undefined);
  const why = (await wrong(least)) ?? error;
  const line = toLine(least);
  return [
    `${name}: ${why}`,
    `seen again by: npm run fuzz -- --only ${name} --seed ${seed} --from ${nth} --inputs 1`,
    line.length > 4_000 ? "it is long" : `for test/fuzz/corpus/${name}.txt: ${line}`,
  ].join("\n");
}

/** One line on a run. */
export function tell({ name, seed, inputs, from, outcomes, seconds, slowest }: FuzzReport): string {
  const became = [...outcomes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([outcome, count]) => `${count} ${outcome}`);
  const range = from === 0 ? "" : ` from ${from}`;
  return `fuzz ${name}: ${inputs} inputs${range}, seed ${seed}, ${seconds.toFixed(1)} s: ${became.join(", ")}; slowest ${slowest.ms.toFixed(1)} ms (${slowest.input})`;
}
