import {
  type Broker,
  type Fetch,
  leaseSec,
  maxPerSettle,
  outcomeBytes,
  RedisError,
  type SettledAndDequeued,
  type SettleReport,
  type SettleResult,
  seldom,
  settle,
  settleAndDequeue,
  splitCalls,
  type TaskOutcome,
} from "@asynqjs/core";
import { maxCallsInFlight, tasksPerCall } from "./calls-in-flight.ts";
import type { Settings } from "./config.ts";
import type { Counter, Counters } from "./metrics.ts";
import type { Component } from "./ticker.ts";

/** Writes outcomes, many at once. Asynq: its syncer, and the writes of its processor. */
export interface Settler extends Component {
  /** Writes one outcome together with what else is due, from the next turn of the event loop on. What was written is counted as `counter`. */
  settle(outcome: TaskOutcome, lease: { readonly endsAtMs: number }, counter: Counter, settling: Settling): void;
  /** How many are on their way. */
  readonly unsettled: number;
}

/** Who waits for an outcome to be written. */
export interface Settling {
  /** Told once: Redis answered, refused, or did not answer until the lease ended. */
  answered(): void;
  /** Whether nothing of the task is left in this process then. */
  readonly freesSlot: boolean;
}

/** What is fetched by the call that settles, into the slots it frees among others. */
export interface FetchBeside extends Fetch {
  /** Told once, after those it settles were: what came, or why nothing did. */
  fetched(found: SettledAndDequeued["dequeued"]): void;
}

interface Waiting {
  readonly outcome: TaskOutcome;
  readonly lease: { readonly endsAtMs: number };
  readonly counter: Counter;
  readonly settling: Settling;
}

/** What is to be written of a queue. */
interface Line {
  readonly waiting: Waiting[];
  /** How many calls are under way. */
  calls: number;
  /** The next turn of the event loop sends one. */
  due: boolean;
}

/** An outcome is tried for so long even if its lease seems over: the fence refuses it if the task is somebody else's. */
const shortestTryMs = 3_000;

/**
 * Every queue has its own line, so one that cannot be served holds up no other. A call that Redis did not answer is repeated by the port,
 * as the same call, until the first lease in it ends; an error reply of Redis is not repeated.
 */
export function settler(
  broker: Broker,
  { clock, logger, concurrency }: Pick<Settings, "clock" | "logger" | "concurrency">,
  counters: Counters,
  fetchBeside: (freedSlots: number) => FetchBeside | undefined,
): Settler {
  const perCall = tasksPerCall(concurrency);
  const lines = new Map<string, Line>();
  const error = seldom(clock, logger.error, 1_000);
  let unsettled = 0;
  let idle: () => void = () => {};

  async function flush(line: Line): Promise<void> {
    line.due = false;
    line.calls++;
    const written = write(nextBatch(line.waiting, perCall));
    flushNextTurn(line);
    try {
      await written;
    } finally {
      line.calls--;
      flushNextTurn(line);
    }
  }

  /** One call a turn: calls that reach Redis together are answered together, and then it rests while all that they brought is run. */
  function flushNextTurn(line: Line): void {
    if (line.due || line.waiting.length === 0 || line.calls === maxCallsInFlight) return;
    line.due = true;
    setImmediate(flush, line);
  }

  async function write(batch: readonly Waiting[]): Promise<void> {
    const nowMs = clock.monotonicMs();
    let leftMs = leaseSec * 1000;
    let freedSlots = 0;
    for (const { lease, settling } of batch) {
      leftMs = Math.min(leftMs, lease.endsAtMs - nowMs);
      if (settling.freesSlot) freedSlots++;
    }
    const outcomes = batch.map(({ outcome }) => outcome);
    const options = { timeoutMs: Math.max(shortestTryMs, leftMs) };
    const beside = fetchBeside(freedSlots);
    let dequeued: SettledAndDequeued["dequeued"] | undefined;
    let results: readonly SettleResult[];
    try {
      let settled: SettleReport;
      if (beside === undefined) settled = await settle(broker, outcomes, options);
      else ({ settled, dequeued } = await settleAndDequeue(broker, outcomes, beside, options));
      results = settled.results;
      if (settled.trimmed > 0) {
        counters.add("trimmed", settled.trimmed);
        logger.warn("archived tasks were trimmed", { queue: batch[0]!.outcome.queue, trimmed: settled.trimmed });
      }
    } catch (thrown) {
      dequeued = thrown as RedisError;
      results = batch.map(() => ({ error: thrown as RedisError }));
    }

    // One container of the wrong kind refuses the whole call: what goes elsewhere gets a call of its own.
    const isRefused = results.every(({ error }) => error instanceof RedisError && error.reply === "WRONGTYPE");
    const kinds = isRefused ? [...new Set(outcomes.map(({ to }) => to))] : [];
    const again = kinds.length > 1;
    if (!again) for (let i = 0; i < batch.length; i++) note(batch[i]!, results[i]!);
    if (dequeued !== undefined) beside?.fetched(dequeued);
    if (again) await Promise.all(kinds.map((kind) => write(batch.filter(({ outcome }) => outcome.to === kind))));
  }

  function note({ outcome, counter, settling }: Waiting, result: SettleResult): void {
    const { queue, id, to } = outcome;
    switch (result.verdict) {
      case "settled":
        counters.add(counter);
        if (to === "archived" || (to === "retry" && outcome.isFailure)) counters.add("failed");
        break;
      case "lease-lost":
        counters.add("leaseLost");
        logger.warn("outcome refused: the task belongs to someone else by now, or is settled", { queue, id, outcome: to });
        break;
      case "dangling":
        counters.add("dangling");
        logger.warn("outcome dropped: the task's hash is gone", { queue, id, outcome: to });
        break;
      case undefined:
        counters.add("unsettled");
        counters.add("settleErrors");
        error("outcome not written; the task is taken back when its lease has ended", {
          queue,
          id,
          outcome: to,
          error: result.error.message,
        });
        break;
      default:
        result satisfies never;
    }
    settling.answered();
    if (--unsettled === 0) idle();
  }

  return {
    name: "settler",
    get unsettled() {
      return unsettled;
    },
    settle(outcome, lease, counter, settling) {
      unsettled++;
      let line = lines.get(outcome.queue);
      if (line === undefined) {
        line = { waiting: [], calls: 0, due: false };
        lines.set(outcome.queue, line);
      }
      line.waiting.push({ outcome, lease, counter, settling });
      flushNextTurn(line);
    },
    start() {},
    stop: () => (unsettled === 0 ? Promise.resolve() : new Promise((resolve) => (idle = resolve))),
  };
}

/** Takes from the front what fits one call. */
function nextBatch(waiting: Waiting[], most: number): Waiting[] {
  const [first] = splitCalls(waiting.slice(0, most), maxPerSettle, ({ outcome }) => outcomeBytes(outcome));
  return waiting.splice(0, first!.length);
}
