/**
 * vitest's runner, which runs each test again and again in the same process: first with the scripts as they are, to see which it sends and
 * how long it takes; then with each living mutant of those. A process for each mutant would take a thousand times as long.
 * @module
 */
import { appendFileSync, readFileSync } from "node:fs";
import { Redis } from "ioredis";
import { inject, type RunnerTestCase, TestRunner, type TestTryOptions } from "vitest";
import { coreScripts } from "./chunks.ts";
import type { Job, JobEvent, Mutant } from "./job.ts";
import { concerns, swapScripts, takeSent } from "./swap-scripts.ts";

const job: Job = JSON.parse(readFileSync(process.env.ASYNQJS_MUTANTS_JOB!, "utf8"));
const past = new Set(job.past);
const only = job.only && new Set(job.only);
const alive = new Map(job.mutants.map((mutant) => [mutant.id, mutant]));

/** A test that takes so much longer than usual waits for something that does not come. */
const firstLimitMs = 30_000;
const limitMs = (usualMs: number): number => 3_000 + 20 * usualMs;

/** A test that takes longer comes behind all others, unless it is through with those it concerns in this time. */
const quickMs = 300;
const soonMs = 5_000;

/** A test that ends with an error is tried again. */
const again = { name: "Error", message: "another try follows" };

/** One test with one mutant after the other. */
interface Turn {
  /** Who is tried now; nobody: the scripts are as they are. */
  mutant: Mutant | undefined;
  /** Who is still to come; not known before the scripts are. */
  left: Mutant[] | undefined;
  scripts: ReadonlySet<string>;
  startMs: number;
  limitMs: number;
}

export default class MutantRunner extends TestRunner {
  #turn!: Turn;
  #redis: Redis | undefined;

  override async onBeforeRunTask(test: RunnerTestCase): Promise<void> {
    await super.onBeforeRunTask(test);
    if (past.has(test.id) || only?.has(test.id) === false || alive.size === 0 || test.fails) test.mode = "skip";
    test.retry = Number.MAX_SAFE_INTEGER;
    this.#turn = { mutant: undefined, left: undefined, scripts: new Set(), startMs: 0, limitMs: firstLimitMs };
  }

  override async onBeforeTryTask(test: RunnerTestCase, options: TestTryOptions): Promise<void> {
    super.onBeforeTryTask(test, options);
    const turn = this.#turn;
    swapScripts(turn.mutant);
    await this.#load(turn.scripts);
    takeSent();
    turn.startMs = performance.now();
    tell({ event: "try", test: test.id, mutant: turn.mutant?.id, limitMs: turn.limitMs });
  }

  async runTask(test: RunnerTestCase): Promise<void> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error("nothing came of it in time")), this.#turn.limitMs);
    const isLate = new Promise<never>((_, reject) => late.signal.addEventListener("abort", () => reject(late.signal.reason)));
    await Promise.race([TestRunner.getTestFn(test)(), isLate]).finally(() => clearTimeout(timer));
  }

  override async onAfterRetryTask(test: RunnerTestCase, options: TestTryOptions): Promise<void> {
    await super.onAfterRetryTask(test, options);
    const turn = this.#turn;
    const result = test.result!;
    const why = result.state === "fail" ? (result.errors?.at(-1)?.message ?? "").split("\n")[0]! : undefined;
    const tried = { test: test.id, name: nameOf(test), why: why ?? "" };
    const tookMs = performance.now() - turn.startMs;
    const { mutant } = turn;
    let isSlow = false;
    if (mutant !== undefined && why !== undefined) {
      alive.delete(mutant.id);
      tell({ event: "killed", ...tried, mutant: mutant.id });
      const isStuck = tookMs >= turn.limitMs && !(await this.#freeRedis());
      if (isStuck) return this.#giveUp(tried, true);
    } else if (turn.left === undefined) {
      turn.scripts = takeSent();
      turn.left = why === undefined ? [...alive.values()].filter((one) => concerns(one, turn.scripts) && asks(test, one)) : [];
      turn.limitMs = limitMs(tookMs);
      if (why !== undefined && turn.scripts.size > 0) tell({ event: "unfit", ...tried });
      isSlow = only === undefined && tookMs > quickMs && tookMs * turn.left.length > soonMs;
      if (isSlow) {
        tell({ event: "slow", test: test.id, file: test.file.filepath });
        turn.left = [];
      }
    } else if (why !== undefined) {
      return this.#giveUp(tried, false);
    }
    // Behind a failure the test has to pass with the scripts as they are, before it says more.
    const isOver = turn.left!.length === 0;
    turn.mutant = why === undefined ? turn.left!.shift() : undefined;
    if (isOver) {
      swapScripts();
      if (!isSlow) tell({ event: "past", test: test.id });
    }
    result.attempts = [];
    result.errors = isOver ? [] : [again];
    result.state = isOver ? "pass" : "fail";
  }

  /** So that no test meets a script that Redis does not know, which costs a request. */
  async #load(names: ReadonlySet<string>): Promise<void> {
    if (this.#redis === undefined) {
      this.#redis = new Redis(inject("redisUrl"), { protocol: 2 });
      await this.#redis.config("SET", "lua-time-limit", 1_000);
    }
    const texts = coreScripts.filter(({ name }) => names.has(name)).flatMap(({ text }) => [text("raw", false), text("raw", true)]);
    for (const text of new Set(texts)) await this.#redis.script("LOAD", text);
  }

  /** Ends a script that does not end by itself. Answers whether that could be: not one that has written. */
  async #freeRedis(): Promise<boolean> {
    return this.#redis!.script("KILL").then(
      () => true,
      ({ message }: Error) => message.startsWith("NOTBUSY"),
    );
  }

  #giveUp({ test, name }: { test: string; name: string }, isStuck: boolean): Promise<never> {
    tell({ event: "spoiled", test, name, isStuck });
    return new Promise(() => {});
  }
}

function tell(event: JobEvent): void {
  appendFileSync(job.events, `${JSON.stringify(event)}\n`);
}

function asks({ file }: RunnerTestCase, { chunk }: Mutant): boolean {
  const isOwn = job.own?.[chunk]?.some((part) => file.filepath.includes(part)) ?? false;
  return job.whose === undefined || isOwn === (job.whose === "own");
}

function nameOf(test: RunnerTestCase): string {
  const names = [test.name];
  for (let suite = test.suite; suite !== undefined && suite !== test.file; suite = suite.suite) names.unshift(suite.name);
  return `${test.file.name} ${names.join(" > ")}`;
}
