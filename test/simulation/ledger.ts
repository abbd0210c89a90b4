/** What was enqueued, what ran, and whether each second run has its reason. @module */
import type { ProcessingTask } from "@asynqjs/worker-node";
import type { Order } from "./manners.ts";
import type { SimProcess } from "./sim-process.ts";
import type { Plan } from "./workload.ts";
import type { World } from "./world.ts";

/** A freeze that may cost a task its lease and its run: shorter ones are ridden out. */
const costlyFreezeMs = 15_000;

/** One call of a handler. */
export interface Run {
  readonly entry: Entry;
  readonly task: ProcessingTask;
  readonly process: SimProcess;
  readonly startedAtMs: number;
  end?: "returned" | "threw";
  /** When its lease was found to be another's or nobody's. */
  lostAtMs?: number;
  /** Why its outcome may not be written, in the words of its server. */
  readonly causes: Set<string>;
  /** Its outcome was answered: whatever befalls its process later is no reason to run again. */
  settled: boolean;
  /** The task ran again although this run did not fail. */
  repeated: boolean;
}

/** A task, whatever became of it. */
export interface Entry {
  readonly order: Order;
  readonly plan: Plan | undefined;
  /** How many calls were to enqueue it, and how many of them may have. */
  attempts: number;
  /** Calls of which it is known that nothing was written. */
  refused: number;
  acked: boolean;
  readonly runs: Run[];
  /** Errors that may have been charged. */
  failures: number;
  skipped: boolean;
  revoked: boolean;
  canceled: boolean;
}

export class Ledger {
  readonly entries = new Map<number, Entry>();
  readonly violations: string[] = [];
  /** Second runs, by their reason. */
  readonly duplicates = new Map<string, number>();
  /** Whether nothing but a kill or a freeze may cost a second run: the faults of this run are mild. */
  strict = false;
  runs = 0;
  readonly #world: World;
  readonly #open = new Map<SimProcess, Set<Run>>();

  constructor(world: World) {
    this.#world = world;
  }

  violated(text: string): void {
    this.#world.trace.add(`VIOLATED: ${text}`);
    this.violations.push(text);
  }

  /** A call is about to enqueue it. */
  attempt(order: Order, plan?: Plan): Entry {
    let entry = this.entries.get(order.n);
    if (entry === undefined) {
      const nothing = { attempts: 0, refused: 0, acked: false, runs: [], failures: 0 };
      entry = { order, plan, ...nothing, skipped: false, revoked: false, canceled: false };
      this.entries.set(order.n, entry);
    }
    entry.attempts++;
    return entry;
  }

  /** A handler is called: what ran before must have its reason to run again. */
  begin(process: SimProcess, task: ProcessingTask): Run {
    this.runs++;
    const { n } = task.json<Order>();
    const entry = this.entries.get(n);
    if (entry === undefined) throw new Error(`a task ran that nobody enqueued: ${n}`);
    if (entry.attempts <= entry.refused)
      this.violated(`task ${n} runs although each call that was to enqueue it was told that nothing was written`);
    const possible = entry.attempts - entry.refused;
    let unexplained = 0;
    for (const run of entry.runs) {
      if (run.end === "threw") continue;
      const why = this.#reasonOf(run);
      if (why === undefined) unexplained++;
      else if (!run.repeated) this.duplicates.set(why, (this.duplicates.get(why) ?? 0) + 1);
      run.repeated = true;
    }
    // A task that was enqueued again, its id or its lock free again, may run as often.
    if (unexplained >= possible) this.violated(`task ${n} runs again, and nothing befell its earlier runs`);
    const run: Run = { entry, task, process, startedAtMs: this.#world.nowMs, causes: new Set(), settled: false, repeated: false };
    entry.runs.push(run);
    this.open(process).add(run);
    return run;
  }

  end(run: Run, how: "returned" | "threw"): void {
    run.end = how;
  }

  /** About how many tasks are still to be done. */
  get undone(): number {
    let count = 0;
    for (const { plan, runs, attempts, refused, failures, skipped, revoked, canceled } of this.entries.values()) {
      const over = skipped || revoked || canceled || runs.some(({ end }) => end === "returned");
      if (plan === undefined || plan.options.group !== undefined || over || refused >= attempts || failures > plan.options.maxRetry)
        continue;
      count++;
    }
    return count;
  }

  /** Whether a run of it succeeded and its outcome may be written, so that it may be gone. */
  mayBeDone({ runs }: Entry): boolean {
    return runs.some(({ end, causes }) => end === "returned" && [...causes].every((cause) => cause === "unsettled"));
  }

  /** Runs of a process whose outcome may still be on its way. */
  open(process: SimProcess): Set<Run> {
    let open = this.#open.get(process);
    if (open === undefined) {
      open = new Set();
      this.#open.set(process, open);
    }
    return open;
  }

  /** What a server says of a task of its. */
  said(process: SimProcess, id: string, cause: string): void {
    for (const run of this.open(process)) if (run.task.id === id) run.causes.add(cause);
  }

  /** A process has nothing in its hands: the outcomes of all that ran are answered, but of those that it said something about. */
  settled(process: SimProcess): void {
    const open = this.open(process);
    for (const run of open) {
      if (run.end === undefined) continue;
      run.settled = run.causes.size === 0;
      open.delete(run);
    }
  }

  /** Why the outcome of a run that did not fail may not be written. */
  #reasonOf({ process, startedAtMs, causes, settled }: Run): string | undefined {
    if (settled) return undefined;
    if (process.end === "killed") return "killed";
    const frozen = process.freezes.some(({ fromMs, untilMs }) => untilMs > startedAtMs && untilMs - fromMs >= costlyFreezeMs);
    if (frozen) return "frozen";
    return [...causes][0];
  }
}
