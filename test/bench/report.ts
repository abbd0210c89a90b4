/** Medians, spreads and ratios of one run. @module */
import { readFileSync } from "node:fs";
import { machine } from "./machine.ts";
import type { Sample } from "./measure.ts";

export interface CaseResult {
  readonly scenario: string;
  readonly params: Readonly<Record<string, number | string>>;
  readonly samples: ReadonlyMap<string, readonly Sample[]>;
}

type Figure = Exclude<keyof Sample, "wrong">;

const columns: readonly (readonly [title: string, figure: Figure, digits: number])[] = [
  ["tasks/s", "opsPerSec", 0],
  ["redis µs", "redisCpuUsPerTask", 1],
  ["process µs", "workerCpuUsPerTask", 1],
  ["bytes", "bytesPerTask", 0],
  ["reads", "readsPerTask", 2],
  ["RSS MiB", "rssMiB", 0],
  ["p50 µs", "p50Us", 0],
  ["p99 µs", "p99Us", 0],
];

export function printCase({ scenario, params, samples }: CaseResult): void {
  const told = Object.entries(params).map(([name, value]) => `${name} ${value}`);
  console.log(`\n${scenario}: ${told.join(", ")}`);
  const rows = [...samples].map(([system, taken]) => [
    system,
    ...columns.map(([, figure, digits]) => shown(median(taken, figure), digits)),
    spread(taken),
    ratioText(samples, system, "BullMQ"),
    ratioText(samples, system, "Go Asynq"),
  ]);
  const head = ["", ...columns.map(([title]) => title), "min…max", "× BullMQ", "× Go"];
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  for (const row of [head, ...rows])
    console.log(`  ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  ")}`);
}

export function toJson(results: readonly CaseResult[], redis: string): unknown {
  return {
    machine: machine(),
    redis,
    results: results.flatMap(({ scenario, params, samples }) =>
      [...samples].map(([system, taken]) => {
        const rates = taken.map(({ opsPerSec }) => opsPerSec);
        return {
          scenario,
          params,
          system,
          version: versionOf(system),
          opsPerSec: { median: median(taken, "opsPerSec"), min: Math.min(...rates), max: Math.max(...rates) },
          redisCpuUsPerTask: median(taken, "redisCpuUsPerTask"),
          workerCpuUsPerTask: median(taken, "workerCpuUsPerTask"),
          bytesPerTask: median(taken, "bytesPerTask"),
          readsPerTask: median(taken, "readsPerTask"),
          rssMiB: median(taken, "rssMiB"),
          p50Us: median(taken, "p50Us"),
          p99Us: median(taken, "p99Us"),
          ratio: { bullmq: ratio(samples, system, "BullMQ"), go: ratio(samples, system, "Go Asynq") },
        };
      }),
    ),
  };
}

/** Of the medians of this run. */
function ratio(samples: CaseResult["samples"], system: string, peer: string): number | undefined {
  const theirs = samples.get(peer);
  if (theirs === undefined || system === peer) return undefined;
  return median(samples.get(system)!, "opsPerSec")! / median(theirs, "opsPerSec")!;
}

function ratioText(samples: CaseResult["samples"], system: string, peer: string): string {
  const found = ratio(samples, system, peer);
  return found === undefined ? "" : `${found.toFixed(found < 10 ? 2 : 0)}`;
}

function median(taken: readonly Sample[], figure: Figure): number | undefined {
  const found = taken.flatMap((sample) => sample[figure] ?? []).sort((a, b) => a - b);
  if (found.length === 0) return undefined;
  return (found[(found.length - 1) >> 1]! + found[found.length >> 1]!) / 2;
}

function spread(taken: readonly Sample[]): string {
  const rates = taken.map(({ opsPerSec }) => opsPerSec);
  return `${shown(Math.min(...rates), 0)}…${shown(Math.max(...rates), 0)}`;
}

function shown(value: number | undefined, digits: number): string {
  return value === undefined || value === 0
    ? ""
    : value.toLocaleString("en-US", { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

/** As it is installed here. */
function versionOf(system: string): string {
  if (system === "Go Asynq") return "v0.26.0";
  const name = { BullMQ: "bullmq", "bee-queue": "bee-queue", groupmq: "groupmq" }[system];
  const file = name === undefined ? "../../packages/core/package.json" : `./node_modules/${name}/package.json`;
  return JSON.parse(readFileSync(new URL(file, import.meta.url), "utf8")).version;
}
