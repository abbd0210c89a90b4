import { correctedClock, Task } from "@asynqjs/core";
import type { Config, LogDetails, ProcessingTask } from "@asynqjs/worker-node";
import type { LeaseHistory } from "./lease-history.ts";
import type { Ledger } from "./ledger.ts";
import { NotNow, type Order } from "./manners.ts";
import type { NetworkParts } from "./network.ts";
import type { SimProcess } from "./sim-process.ts";
import { queues } from "./workload.ts";

export interface ServerParts extends NetworkParts {
  readonly ledger: Ledger;
  readonly leases: LeaseHistory;
  /** Draws the number of a task that an aggregator makes. */
  readonly nextNumber: () => number;
}

/** What a server says when the outcome of a run may not be written, and the word for it. */
const causes: Readonly<Record<string, string>> = {
  "lease lost while the task was running: nothing is written": "lease lost",
  "outcome refused: the task belongs to someone else by now, or is settled": "outcome refused",
  "shutting down: the task is requeued": "requeued",
  "handler did not end when it was told to: its slot stays taken until it does": "leaked",
};

/** What mild faults must not bring about. */
const neverIfMild: ReadonlySet<string> = new Set([
  "lease lost while the task was running: nothing is written",
  "outcome refused: the task belongs to someone else by now, or is settled",
  "outcome not written; the task is taken back when its lease has ended",
  "recoverer took back tasks of lost workers",
  "could not fetch tasks",
  "a run failed by itself; the task is taken back when its lease has ended",
]);

/** All that may be to be mended is the name of a queue: Redis was full when it was to be written, and was not when its first task was. */
const mended = "repairer mended what was left behind";

/** What nothing here may bring about: no key is evicted, no message is spoiled, and no Go peer is beside us. */
const never: ReadonlySet<string> = new Set([
  "task quarantined: its message cannot be read",
  "outcome dropped: the task's hash is gone",
  "dropped ids whose task is gone",
  "forwarder met tasks without a usable hash or message",
  "aggregator met tasks without a usable hash or message",
  "janitor met completed tasks without a usable hash",
  mended,
]);

/** What is always drawn. */
type Drawn = "concurrency" | "taskCheckIntervalMs" | "heartbeatIntervalMs" | "shutdownTimeoutMs" | "abortGraceMs";
export type SimConfig = Config & { readonly [Option in Drawn]: number };

/** Draws how a server in a place is set up. The first keeps house whatever the others do. */
export function serverConfig(parts: ServerParts, place: number, process: SimProcess): SimConfig {
  const { world, ledger } = parts;
  const keepsHouse = place === 0;
  const note = noteFor(parts, process);
  return {
    ...(keepsHouse || world.chance(0.3) ? aggregation(parts, process) : {}),
    concurrency: world.pick([1, 2, 5, 10]),
    queues,
    strictPriority: world.chance(0.4),
    taskCheckIntervalMs: world.pick([500, 2_000, 5_000]),
    heartbeatIntervalMs: world.pick([2_000, 5_000, 10_000]),
    shutdownTimeoutMs: ledger.strict ? 8_000 : world.pick([0, 1_000, 8_000]),
    abortGraceMs: world.pick([0, 200, 1_000]),
    delayedTaskCheckIntervalMs: keepsHouse || world.chance(0.5) ? world.pick([2_000, 5_000]) : false,
    recoverIntervalMs: keepsHouse || world.chance(0.5) ? world.pick([10_000, 30_000, 60_000]) : false,
    janitorIntervalMs: keepsHouse || world.chance(0.5) ? 8_000 : false,
    repairIntervalMs: world.chance(0.5) ? world.pick([30_000, 120_000]) : false,
    handBackUnknown: place === 1,
    onCancel: world.pick(["retry", "archive", "delete"]),
    retryDelayFunc: () => 500 + process.random.float() * 8_000,
    isFailure: (error) => !(error instanceof NotNow),
    errorHandler: (task, error) => failed(parts, task, error),
    healthCheckFunc: () => {},
    healthCheckIntervalMs: 20_000,
    clock: correctedClock(process.clock),
    random: process.random,
    logLevel: "debug",
    logger: { debug: note, info: () => {}, warn: note, error: note },
  };
}

function noteFor({ world, ledger }: ServerParts, process: SimProcess): (message: string, details?: LogDetails) => void {
  return (message, { id, ...details } = {}) => {
    const more = Object.entries(details).flatMap(([name, value]) => (value === undefined || value === 0 ? [] : ` ${name}=${value}`));
    world.trace.add(`${process.name}: ${message}${id === undefined ? "" : ` (${id})`}${more.join("")}`);
    const named = message === mended && Object.entries(details).every(([what, count]) => count === 0 || what === "published");
    if (never.has(message) && !named) ledger.violated(`${process.name} says "${message}"`);
    if (ledger.strict && neverIfMild.has(message)) ledger.violated(`${process.name} says "${message}" though all faults are mild`);
    const cause = causes[message];
    if (cause !== undefined) ledger.said(process, String(id), cause);
  };
}

function aggregation({ world, ledger, nextNumber }: ServerParts, process: SimProcess): Config {
  return {
    groupGracePeriodMs: world.pick([1_000, 5_000]),
    groupMaxDelayMs: world.pick([0, 20_000]),
    groupMaxSize: world.pick([0, 3]),
    groupAggregator: async (_, tasks) => {
      const how = process.random.float();
      if (how < 0.04) throw new Error("aggregates not today");
      if (how < 0.2) await process.sleep(how * 100_000);
      const order: Order = { n: nextNumber(), manner: "quick", ms: 0, times: 0, of: tasks.map((task) => task.json<Order>().n) };
      ledger.attempt(order);
      return new Task("work", order, { maxRetry: 25 });
    },
  };
}

/** What a run ended with is the task's failure if its handler threw, its time was over, or it was canceled; not what its server did. */
function failed({ ledger, world }: ServerParts, task: ProcessingTask, error: unknown): void {
  const entry = ledger.entries.get(task.json<Order>().n)!;
  const [code, told] = [codeOf(error), codeOf(task.signal.reason)];
  if (told === "SERVER_STATE" || told?.startsWith("LEASE_")) return;
  const run = entry.runs.find((one) => one.task === task);
  // Milliseconds since 1970 have room for a quarter of a microsecond.
  if (code === "DEADLINE_EXCEEDED" && run !== undefined && world.nowMs + 0.001 < run.startedAtMs + task.info.timeoutSec! * 1000)
    ledger.violated(`task ${entry.order.n} ended as if its time was over`);
  if (entry.order.manner === "notNow" && run?.end === "threw" && code === undefined) return;
  if (run?.end !== "threw" && !["DEADLINE_EXCEEDED", "CANCELED", "HANDLER_NOT_FOUND"].includes(code ?? "")) return;
  if (code === "CANCELED") entry.canceled = true;
  if (entry.order.manner === "skips") entry.skipped = true;
  if (entry.order.manner === "revokes") entry.revoked = true;
  entry.failures++;
}

/** The code of an error, if it can be looked at. */
function codeOf(error: unknown): string | undefined {
  try {
    const { code } = error as { readonly code?: unknown };
    return typeof code === "string" ? code : undefined;
  } catch {
    return undefined;
  }
}
