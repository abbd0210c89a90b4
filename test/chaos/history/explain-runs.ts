import type { RunEvent } from "../worker-process.ts";

/** What was done to the system, and to whom. */
export interface Fault {
  readonly fault: string;
  readonly fromMs: number;
  /** When it was over; the same for what happens at once. */
  readonly untilMs: number;
  /** Whose connection or process it was; absent: everybody's. */
  readonly worker?: string | undefined;
  /** Only these tasks, `queue id` each; absent: any. */
  readonly tasks?: readonly string[] | undefined;
}

/** A run of a task, from what its worker told. */
export interface Run {
  readonly task: string;
  readonly worker: string;
  readonly startMs: number;
  endMs?: number;
  how?: "end" | "fail";
}

export interface RunsReport {
  /** How many runs there were. */
  readonly runs: number;
  /** How many runs more than the tasks needed, by what they are explained by. */
  readonly extra: Readonly<Record<string, number>>;
  /** The same, by each fault that may explain it: one that has several explanations is counted at all of them. */
  readonly possibly: Readonly<Record<string, number>>;
  /** Runs of one task that went on at the same time, at least one of them by a worker that did not know better. */
  readonly overlapping: number;
  /** Extra runs that nothing explains. */
  readonly unexplained: readonly string[];
}

/** Every run of every task, in the order of their start. */
export function runsOf(events: readonly RunEvent[]): Map<string, Run[]> {
  const runs = new Map<string, Run[]>();
  for (const { event, queue, id, worker, atMs } of [...events].sort((a, b) => a.atMs - b.atMs)) {
    const task = `${queue} ${id}`;
    const ofTask = runs.get(task) ?? [];
    if (event === "start") runs.set(task, [...ofTask, { task, worker, startMs: atMs }]);
    if (event !== "end" && event !== "fail") continue;
    const run = ofTask.find((one) => one.worker === worker && one.how === undefined);
    if (run !== undefined) Object.assign(run, { endMs: atMs, how: event });
  }
  return runs;
}

/**
 * Explains each run that a task would not have needed: by a fault that struck the worker of an earlier run, its connection or the task itself,
 * between the start of that run and of this one; or by one that struck everybody since the task was asked for, as its enqueue may have been
 * repeated. A run after one that failed is no extra one.
 */
export function explainRuns(
  runs: ReadonlyMap<string, readonly Run[]>,
  faults: readonly Fault[],
  explains: (fault: Fault, run: Run) => boolean,
  askedAtMs: ReadonlyMap<string, number> = new Map(),
): RunsReport {
  // What struck some tasks or one worker explains more than what struck everybody.
  const byAim = [...faults].sort((a, b) => aimOf(a) - aimOf(b));
  const extra: Record<string, number> = {};
  const possibly: Record<string, number> = {};
  const unexplained: string[] = [];
  let overlapping = 0;
  let count = 0;
  for (const [task, ofTask] of runs) {
    count += ofTask.length;
    for (const [i, run] of ofTask.entries()) {
      if (i === 0) continue;
      const earlier = ofTask.slice(0, i);
      if (earlier.some(({ endMs }) => endMs === undefined || endMs > run.startMs)) overlapping++;
      const last = earlier.at(-1)!;
      if (last.how === "fail" && last.endMs! <= run.startMs) continue;
      const whys = byAim.filter((fault) =>
        earlier.some((one) => struck(fault, one, run.startMs, askedAtMs.get(task)) && explains(fault, one)),
      );
      const [why] = whys;
      if (why === undefined) unexplained.push(`${task}: ${ofTask.map(tell).join("; ")}`);
      else extra[why.fault] = (extra[why.fault] ?? 0) + 1;
      for (const fault of new Set(whys.map((one) => one.fault))) possibly[fault] = (possibly[fault] ?? 0) + 1;
    }
  }
  return { runs: count, extra, possibly, overlapping, unexplained };
}

function aimOf({ tasks, worker }: Fault): number {
  return tasks !== undefined ? 0 : worker !== undefined ? 1 : 2;
}

function struck({ fromMs, untilMs, worker, tasks }: Fault, run: Run, beforeMs: number, askedAtMs = run.startMs): boolean {
  const sinceMs = worker === undefined && tasks === undefined ? askedAtMs : run.startMs;
  return fromMs <= beforeMs && untilMs >= sinceMs && (worker ?? run.worker) === run.worker && (tasks?.includes(run.task) ?? true);
}

function tell({ worker, startMs, endMs, how }: Run): string {
  return `${worker} from ${startMs.toFixed(0)}${endMs === undefined ? ", no end told" : ` ${how} ${endMs.toFixed(0)}`}`;
}
