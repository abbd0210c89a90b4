/** What one process of vitest is given to do, and what it tells: lines of JSON in the file `events`. @module */

/** Whom to ask of which test, by vitest's id; tests that are not in it are not run. */
export type Plan = Readonly<Record<string, readonly string[]>>;

export interface Job {
  /** A file with the modules' code with all mutants in it, by their paths in the workspace. */
  readonly code: string;
  /** Who is looked for, by id. */
  readonly alive: readonly string[];
  /** Tests that have been through, by vitest's id. */
  readonly past: readonly string[];
  /** Absent: a test that is quick is asked of all that it reaches. */
  readonly plan?: Plan | undefined;
  /** Only these test files are run. */
  readonly files?: readonly string[] | undefined;
  /** These are there as modules are loaded, and stay, one after the other; with each these files are run until a test fails. */
  readonly loaded?: readonly { readonly mutant: string; readonly files: readonly string[] }[] | undefined;
  /** Where events are written. */
  readonly events: string;
}

export type JobEvent =
  /** A test begins, with a mutant or with none. */
  | { readonly event: "try"; readonly test: string; readonly mutant: string | undefined }
  | { readonly event: "killed"; readonly mutant: string; readonly by: string; readonly why: string }
  /** A test has been through. `isQuick`: it would have been asked without a plan too. */
  | {
      readonly event: "past";
      readonly test: string;
      readonly file: string;
      readonly ms: number;
      readonly isQuick: boolean;
      readonly reached: readonly number[];
    }
  /** A test fails with the code as it is: it is asked nothing. */
  | { readonly event: "unfit"; readonly test: string; readonly by: string; readonly why: string }
  /** What a mutant did lasts: the test passes no more, and another process has to go on. */
  | { readonly event: "spoiled"; readonly test: string; readonly by: string; readonly why: string }
  /** What was reached as modules were loaded lasts: for each of these they have to be loaded again. */
  | { readonly event: "static"; readonly mutants: readonly number[] }
  /** All is done. */
  | { readonly event: "over" };
