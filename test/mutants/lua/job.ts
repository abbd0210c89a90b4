/** What one process of vitest is given to do, and what it tells: lines of JSON in the file `events`. @module */

/** The chunk of this name, with `text` in the place of what stands from `start` to `end`. */
export interface Mutant {
  readonly id: number;
  readonly chunk: string;
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface Job {
  /** The tests' project in the workspace's vitest.config.ts. */
  readonly project: string;
  /** Parts of the names of files whose tests come first, in order. */
  readonly first: readonly string[];
  readonly mutants: readonly Mutant[];
  /** By the name of a chunk: parts of the names of files with its own tests. */
  readonly own?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Whose tests are asked about a mutant: its own, or all but those; absent: all. */
  readonly whose?: "own" | "others" | undefined;
  /** Tests that have been through all of them, by vitest's id. */
  readonly past: readonly string[];
  /** Only these tests are run; absent: all, and those that take long say so and are left for later. */
  readonly only?: readonly string[] | undefined;
  /** Where events are written. */
  readonly events: string;
}

export type JobEvent =
  | { readonly event: "try"; readonly test: string; readonly mutant: number | undefined; readonly limitMs: number }
  | { readonly event: "killed"; readonly test: string; readonly mutant: number; readonly name: string; readonly why: string }
  /** All mutants that lived and that the test could kill were tried. */
  | { readonly event: "past"; readonly test: string }
  /** It takes long: it is for those that the others let live. */
  | { readonly event: "slow"; readonly test: string; readonly file: string }
  /** What a mutant did to the process or to Redis lasts: another process has to go on. */
  | { readonly event: "spoiled"; readonly test: string; readonly name: string; readonly isStuck: boolean }
  /** A test or a file of them fails with the scripts as they are: it is asked nothing. */
  | { readonly event: "unfit"; readonly name: string; readonly why: string }
  /** All tests are through. */
  | { readonly event: "over" };
