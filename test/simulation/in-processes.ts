import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { SeedsToRun } from "./run-seeds.ts";
import type { RunReport } from "./simulate.ts";

export interface SimulationOptions {
  /** The first of the seeds; each next one is one more. */
  readonly seed: number;
  /** At least so many steps, over all processes, */
  readonly steps: number;
  readonly processes: number;
  /** unless so many milliseconds are over. Default: no end. */
  readonly withinMs?: number | undefined;
  /** Steps with faults of each seed: another number makes another run of it. Default 6,000, some minutes of its world. */
  readonly stepsPerSeed?: number | undefined;
  readonly trace?: boolean | undefined;
  /** One of `breaks`: the product is run with that one thing wrong. */
  readonly broken?: string | undefined;
  /** Told of each seed that was run. */
  readonly onReport?: ((report: RunReport) => void) | undefined;
}

export interface SimulationReport {
  readonly seeds: number;
  readonly steps: number;
  readonly drainSteps: number;
  readonly seconds: number;
  readonly simulatedSec: number;
  readonly tasks: number;
  readonly runs: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly duplicates: Readonly<Record<string, number>>;
  /** The first seed that went wrong. */
  readonly failed: RunReport | undefined;
}

/**
 * Simulates in processes beside each other, each with a Redis of its own.
 * @throws {Error} a process ended by itself
 */
export async function simulateInProcesses(options: SimulationOptions): Promise<SimulationReport> {
  const { seed, steps, processes, withinMs = Number.MAX_SAFE_INTEGER, stepsPerSeed = 6_000, trace = false, broken, onReport } = options;
  const startMs = performance.now();
  const reports: RunReport[] = [];
  const hook = fileURLToPath(new URL("break-source.ts", import.meta.url));
  const children = Array.from({ length: processes }, (_, nth) => {
    const work: SeedsToRun = {
      firstSeed: seed + nth,
      stride: processes,
      steps: Math.ceil(steps / processes),
      withinMs,
      stepsPerSeed,
      trace,
    };
    const script = fileURLToPath(new URL("run-seeds.ts", import.meta.url));
    const args = [...(broken === undefined ? [] : ["--import", hook]), script, JSON.stringify(work)];
    const env = { ...process.env, NODE_NO_WARNINGS: "1", ...(broken === undefined ? {} : { ASYNQJS_BREAK: broken }) };
    return spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"], env });
  });
  await Promise.all(
    children.map(async (child) => {
      const ended = once(child, "close");
      for await (const line of createInterface({ input: child.stdout })) {
        const report = JSON.parse(line) as RunReport;
        reports.push(report);
        onReport?.(report);
        if (report.violations.length > 0) for (const other of children) if (other !== child) other.kill();
      }
      const [code, signal] = (await ended) as [number | null, NodeJS.Signals | null];
      if (code !== 0 && signal !== "SIGTERM") throw new Error(`a process that simulates ended with ${code ?? signal}`);
    }),
  );

  const sum = (of: (report: RunReport) => number): number => reports.reduce((total, report) => total + of(report), 0);
  return {
    seeds: reports.length,
    steps: sum((report) => report.steps),
    drainSteps: sum((report) => report.drainSteps),
    seconds: (performance.now() - startMs) / 1000,
    simulatedSec: sum(({ simulatedSec }) => simulatedSec),
    tasks: sum(({ tasks }) => tasks),
    runs: sum(({ runs }) => runs),
    faults: addUp(reports.map(({ faults }) => faults)),
    duplicates: addUp(reports.map(({ duplicates }) => duplicates)),
    failed: reports.find(({ violations }) => violations.length > 0),
  };
}

function addUp(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const one of counts) for (const [name, count] of Object.entries(one)) sum[name] = (sum[name] ?? 0) + count;
  return Object.fromEntries(Object.entries(sum).sort(([, a], [, b]) => b - a));
}

/** A report in a few lines; of what went wrong the last events, and how to see it again. */
export function tell({ failed, ...report }: SimulationReport): string {
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(", ") || "none";
  const perSec = Math.round(report.steps / report.seconds);
  const lines = [
    `${report.steps} steps (${report.drainSteps} of them after the faults) of ${report.seeds} seeds in ${report.seconds.toFixed(1)} s, ${perSec} steps/s`,
    `${report.tasks} tasks, ${report.runs} runs, ${Math.round(report.simulatedSec / 3600)} h of simulated time`,
    `faults: ${list(report.faults)}`,
    `second runs of tasks whose first did not fail, by their reason: ${list(report.duplicates)}`,
  ];
  if (failed !== undefined) {
    lines.push(
      `seed ${failed.seed} went wrong at step ${failed.steps} (faults: ${failed.level}):`,
      ...failed.violations.map((violation) => `  ${violation}`),
      "the last events:",
      ...failed.lastEvents,
      `again: npm run simulate -- --seed ${failed.seed} --steps 1 --processes 1 [--trace]`,
    );
  }
  return lines.join("\n");
}
