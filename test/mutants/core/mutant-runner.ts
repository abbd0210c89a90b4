/**
 * vitest's runner, which runs each test again and again in the same process: first with the code as it is, to see which mutants it reaches,
 * then with each of them that is looked for. A process for each mutant would take a hundred times as long.
 * @module
 */
import { appendFileSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { inject, type RunnerTestCase, TestRunner, type TestTryOptions } from "vitest";
import type { Job, JobEvent } from "./job.ts";
import { root, timing } from "./modules.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The mutant that is there as modules are loaded, and stays; empty: none. */
    loadedMutant: string;
  }
}

/** What Stryker's code looks at and fills. */
interface Stryker {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  readonly mutantCoverage: { static: Record<string, number>; readonly perTest: Record<string, Record<string, number>> };
  hitCount: number;
  hitLimit: number;
}
const stryker: Stryker = {
  activeMutant: undefined,
  currentTestId: undefined,
  mutantCoverage: { static: {}, perTest: {} },
  hitCount: 0,
  hitLimit: Number.POSITIVE_INFINITY,
};
(globalThis as { __stryker__?: Stryker }).__stryker__ = stryker;

// That something fails is all that is asked: no smaller example of it.
fc.configureGlobal({ endOnFailure: true });

const job: Job = JSON.parse(readFileSync(process.env.ASYNQJS_MUTANTS_JOB!, "utf8"));
const past = new Set(job.past);
const alive = new Set(job.alive);

/** A test that takes so much longer than usual waits for something that does not come; a place that is passed so much more often is a loop's. */
const firstLimitMs = 60_000;
const limitMs = (usualMs: number): number => Math.min(3_000 + 10 * usualMs, 8_000);
const hitLimit = (usual: number): number => 1_000 + 100 * usual;

/** A test that takes longer is asked nothing before the quicker ones were. */
const quickMs = 100;

/** A test that ends with an error is tried again. */
const again = { name: "Error", message: "another try follows" };

/** One test with one mutant after the other. */
interface Turn {
  /** Who is tried now; nobody: the code is as it is. */
  mutant: string | undefined;
  /** Who is still to come; not known before the code as it is was tried. */
  left: string[] | undefined;
  reached: Readonly<Record<string, number>>;
  startMs: number;
  usualMs: number;
  limitMs: number;
}

export default class MutantRunner extends TestRunner {
  #turn!: Turn;
  readonly #loaded: string = inject("loadedMutant");

  override onCollectStart(file: Parameters<TestRunner["onCollectStart"]>[0]): void {
    super.onCollectStart(file);
    stryker.mutantCoverage.static = {};
    if (this.#loaded === "") return;
    stryker.activeMutant = this.#loaded;
    stryker.hitLimit = 10_000_000;
  }

  override async onBeforeRunTask(test: RunnerTestCase): Promise<void> {
    await super.onBeforeRunTask(test);
    if (this.#loaded !== "") return;
    if (past.has(test.id) || test.fails || timing.test(test.name) || (job.plan !== undefined && job.plan[test.id] === undefined))
      test.mode = "skip";
    test.retry = Number.MAX_SAFE_INTEGER;
    this.#turn = { mutant: undefined, left: undefined, reached: {}, startMs: 0, usualMs: 0, limitMs: firstLimitMs };
  }

  override onBeforeTryTask(test: RunnerTestCase, options: TestTryOptions): void {
    super.onBeforeTryTask(test, options);
    if (this.#loaded !== "") return;
    const turn = this.#turn;
    turn.startMs = performance.now();
    stryker.currentTestId = test.id;
    stryker.mutantCoverage.perTest[test.id] = {};
    stryker.activeMutant = turn.mutant;
    stryker.hitCount = 0;
    stryker.hitLimit = turn.mutant === undefined ? Number.POSITIVE_INFINITY : hitLimit(turn.reached[turn.mutant]!);
    tell({ event: "try", test: test.id, mutant: turn.mutant });
  }

  async runTask(test: RunnerTestCase): Promise<void> {
    // What an `expect(…).rejects` of the try before still waits for would be waited for again.
    delete (test as { promises?: unknown }).promises;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error("nothing came of it in time")), this.#turn?.limitMs ?? firstLimitMs);
    const isLate = new Promise<never>((_, reject) => late.signal.addEventListener("abort", () => reject(late.signal.reason)));
    await Promise.race([TestRunner.getTestFn(test)(), isLate]).finally(() => clearTimeout(timer));
  }

  override async onAfterRetryTask(test: RunnerTestCase, options: TestTryOptions): Promise<void> {
    await super.onAfterRetryTask(test, options);
    if (this.#loaded !== "") return;
    const result = test.result!;
    const why = result.state === "fail" ? (result.errors?.at(-1)?.message ?? "").split("\n")[0]! : undefined;
    const turn = this.#turn;
    const { mutant } = turn;
    stryker.activeMutant = undefined;
    stryker.currentTestId = undefined;
    if (mutant !== undefined && why !== undefined) {
      alive.delete(mutant);
      tell({ event: "killed", mutant, by: nameOf(test), why });
    } else if (turn.left === undefined) {
      turn.usualMs = performance.now() - turn.startMs;
      turn.limitMs = limitMs(turn.usualMs);
      turn.reached = stryker.mutantCoverage.perTest[test.id]!;
      turn.left = why === undefined ? this.#toAsk(test) : [];
      if (why !== undefined) tell({ event: "unfit", test: test.id, by: nameOf(test), why });
    } else if (why !== undefined) {
      tell({ event: "spoiled", test: test.id, by: nameOf(test), why });
      // The process that vitest runs in, all it started, and this one.
      process.kill(-process.ppid, "SIGKILL");
    }
    // Behind a failure the test has to pass with the code as it is, before it says more.
    const isOver = turn.left!.length === 0;
    turn.mutant = why === undefined ? turn.left!.shift() : undefined;
    if (isOver) {
      const reached = Object.keys(turn.reached).map(Number);
      tell({ event: "past", test: test.id, file: pathOf(test), ms: turn.usualMs, isQuick: turn.usualMs <= quickMs, reached });
    }
    delete stryker.mutantCoverage.perTest[test.id];
    result.attempts = [];
    result.errors = isOver ? [] : [again];
    result.state = isOver ? "pass" : "fail";
  }

  override async onAfterRunSuite(suite: Parameters<TestRunner["onAfterRunSuite"]>[0]): Promise<void> {
    await super.onAfterRunSuite(suite);
    if (this.#loaded !== "" || suite !== suite.file) return;
    const mutants = Object.keys(stryker.mutantCoverage.static).map(Number);
    tell({ event: "static", mutants });
  }

  #toAsk(test: RunnerTestCase): string[] {
    const { reached, usualMs } = this.#turn;
    if (job.plan === undefined && usualMs > quickMs) return [];
    return (job.plan?.[test.id] ?? Object.keys(reached)).filter((id) => alive.has(id) && id in reached);
  }
}

function tell(event: JobEvent): void {
  appendFileSync(job.events, `${JSON.stringify(event)}\n`);
}

function pathOf(test: RunnerTestCase): string {
  return test.file.filepath.slice(root.length);
}

function nameOf(test: RunnerTestCase): string {
  const names = [test.name];
  for (let suite = test.suite; suite !== undefined && suite !== test.file; suite = suite.suite) names.unshift(suite.name);
  return `${pathOf(test)} ${names.join(" > ")}`;
}
