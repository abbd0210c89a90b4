/** Looks at real Redis past the network, and holds what is there against the ledger. @module */
import type { RedisPort, TaskMessage } from "@asynqjs/core";
import { payloadJson } from "@asynqjs/core";
import { type HistoryEvent, monotone, type QueueState, scanInvariants, totalQueue, untouchedWhilePaused } from "@asynqjs/core/invariants";
import { decodeTaskMessage } from "@asynqjs/core/wire";
import type { Entry, Ledger } from "./ledger.ts";
import type { Order } from "./manners.ts";

/** A task as it stands in Redis. */
export interface Stored {
  readonly queue: string;
  readonly id: string;
  readonly n: number;
  readonly state: string;
  readonly message: TaskMessage;
  /** The lines that its handlers left. */
  readonly logs: readonly string[];
}

/** Where a task rests; anywhere else something is still to be done. */
const ends: ReadonlySet<string> = new Set(["completed", "archived"]);

export function isOver({ state }: Stored): boolean {
  return ends.has(state);
}

/** Every task that is there. */
export async function readTasks(redis: RedisPort): Promise<Stored[]> {
  const [found] = await redis.send([["KEYS", "asynq:{*}:t:*"]]);
  const keys = (found!.reply as Uint8Array[]).map((key) => Buffer.from(key).toString()).sort();
  if (keys.length === 0) return [];
  const answers = await redis.send(keys.map((key) => ["HMGET", key, "msg", "state", "logs"]));
  return answers.map(({ reply }, i) => {
    const [, queue, id] = /^asynq:\{(.*?)\}:t:(.*)$/.exec(keys[i]!)!;
    const [msg, state, logs] = reply as [Uint8Array, Uint8Array, Uint8Array | null];
    const message = decodeTaskMessage(msg, keys[i]!);
    const { n } = payloadJson<Order>(message.payload ?? new Uint8Array(), keys[i]!);
    const lines = logs === null ? [] : (JSON.parse(Buffer.from(logs).toString()) as { readonly msg: string }[]).map(({ msg }) => msg);
    return { queue: queue!, id: id!, n, state: Buffer.from(state).toString(), message, logs: lines };
  });
}

/**
 * Looks for what should never be, now or after what was there before; answers what is there. `pauseChanged`: a queue was paused or let go on
 * since. `wasFull`: Redis may have refused a queue's name and taken its task right after, whose caller was told; a repairer names it.
 */
export async function checkInvariants(
  ledger: Ledger,
  redis: RedisPort,
  before: readonly QueueState[],
  { pauseChanged, wasFull }: { readonly pauseChanged: boolean; readonly wasFull: boolean },
): Promise<readonly QueueState[]> {
  const { findings, states } = await scanInvariants(redis);
  const since = states.flatMap((after) => {
    const was = before.find(({ queue }) => queue === after.queue);
    return was === undefined ? [] : [...monotone(was, after), ...(pauseChanged ? [] : untouchedWhilePaused(was, after))];
  });
  for (const { invariant, key, id, message } of [...findings, ...since])
    if (!(wasFull && invariant === "I10")) ledger.violated(`${invariant} ${key} ${id ?? ""}: ${message}`);
  return states;
}

/** What holds at any moment: nothing that was acknowledged is gone undone, nothing was charged but failures, a unique task is there once. */
export function checkTasks(ledger: Ledger, tasks: readonly Stored[]): void {
  const present = new Map<number, Stored[]>();
  for (const task of tasks) present.set(task.n, [...(present.get(task.n) ?? []), task]);
  const aggregates = aggregatesOf(ledger, present);

  for (const [n, entry] of ledger.entries) {
    const here = present.get(n) ?? [];
    if (entry.acked && here.length === 0 && !mayBeGone(ledger, entry, aggregates.get(n)))
      ledger.violated(`task ${n} (${entry.order.manner}) was acknowledged and is gone, and no run of it succeeded`);
    if ((aggregates.get(n)?.length ?? 0) > entry.attempts - entry.refused) ledger.violated(`task ${n} is in two aggregated tasks`);
    const waiting = here.filter((task) => task.state !== "completed" && task.message.uniqueKey !== undefined);
    if (waiting.length > 1) ledger.violated(`task ${n} is unique and there ${waiting.length} times`);
    for (const task of here) checkCharges(ledger, entry, task);
  }
  for (const [n] of present) if (!ledger.entries.has(n)) ledger.violated(`task ${n} is there and nobody enqueued it`);
}

/** What holds at the end: what was acknowledged is over, nothing is left to be done, and what is archived has its reason. */
export function checkEnd(ledger: Ledger, tasks: readonly Stored[]): void {
  const left = new Map(tasks.filter((task) => !isOver(task)).map((task) => [String(task.n), task]));
  const here = new Set(tasks.map(({ n }) => n));
  const aggregates = aggregatesOf(ledger, here);
  const over = [...ledger.entries]
    .filter(([n, entry]) => here.has(n) || mayBeGone(ledger, entry, aggregates.get(n)))
    .map(([n]) => String(n));
  const { lost, unexpected } = totalQueue(historyOf(ledger), { left: left.keys(), over });
  for (const id of lost) ledger.violated(`task ${id} is lost`);
  for (const id of unexpected) ledger.violated(`task ${id} ran and was never enqueued`);
  for (const [id, { state, message }] of left) ledger.violated(`task ${id} is stuck in ${state}: ${message.errorMsg ?? ""}`);
  for (const task of tasks) {
    const entry = ledger.entries.get(task.n);
    if (entry === undefined) continue;
    if (task.state === "archived") checkArchived(ledger, entry, task);
    const lines = task.logs.slice(-3).join();
    if (ledger.strict && task.state === "completed" && entry.order.manner === "writes" && lines !== "begun,half of it done,done")
      ledger.violated(`task ${task.n} left the lines ${lines}`);
  }
}

function* historyOf(ledger: Ledger): Iterable<HistoryEvent> {
  for (const [n, { attempts, refused, acked, runs }] of ledger.entries) {
    const id = String(n);
    for (let call = 0; call < attempts; call++)
      yield { type: "enqueue", id, outcome: call < refused ? "refused" : acked ? "ok" : "unknown" };
    for (const [i, { startedAtMs }] of runs.entries()) yield { type: "start", id, run: `${n}-${i}`, atMs: startedAtMs };
  }
}

function checkCharges(ledger: Ledger, entry: Entry, { message, n }: Stored): void {
  if (message.retried > entry.failures)
    ledger.violated(`task ${n} was charged ${message.retried} retries and failed ${entry.failures} times`);
  if (message.retried > message.retry) ledger.violated(`task ${n} was charged ${message.retried} retries of ${message.retry}`);
}

function checkArchived(ledger: Ledger, entry: Entry, { n, message }: Stored): void {
  const { order, canceled, skipped, failures, runs } = entry;
  const crashed = /^crashed \d+ workers$/.test(message.errorMsg ?? "") || message.errorMsg === "asynq: task lease expired";
  if (skipped || canceled || order.manner === "hopeless") return;
  if (crashed) {
    if (ledger.strict) ledger.violated(`task ${n} counts as the crash of three workers, and none crashed`);
    return;
  }
  if (failures <= message.retry)
    ledger.violated(`task ${n} (${order.manner}) is archived after ${failures} failures in ${runs.length} runs: ${message.errorMsg}`);
}

/** The aggregated tasks that a task is in: those that are there, or ran. */
function aggregatesOf(ledger: Ledger, present: { has(n: number): boolean }): Map<number, Entry[]> {
  const of = new Map<number, Entry[]>();
  for (const entry of ledger.entries.values()) {
    if (entry.order.of === undefined || (entry.runs.length === 0 && !present.has(entry.order.n))) continue;
    for (const n of entry.order.of) of.set(n, [...(of.get(n) ?? []), entry]);
  }
  return of;
}

function mayBeGone(ledger: Ledger, entry: Entry, aggregates: readonly Entry[] | undefined): boolean {
  return ledger.mayBeDone(entry) || entry.revoked || entry.canceled || aggregates !== undefined;
}
