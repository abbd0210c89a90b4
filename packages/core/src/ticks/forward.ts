import { forwardDue, type WaitingSet } from "../broker/forward-due.ts";
import type { Broker } from "../broker.ts";
import { addReports, batchesOfEach, earliest, runTick, type Spent, type TickOptions, type TickReport } from "./tick.ts";

export interface ForwardReport extends TickReport {
  readonly forwarded: number;
  readonly dangling: number;
  readonly quarantined: number;
}

/**
 * Moves due scheduled and retry tasks to pending, a batch of each queue in turn, until none is due or the budget is spent. A queue that
 * cannot be served is reported and holds up no other.
 *
 * May be repeated and run in any number of copies at once.
 * @throws {RedisError} the way to Redis failed
 * @see Asynq forwarder.go
 */
export function forward(broker: Broker, options: TickOptions): Promise<ForwardReport> {
  return runTick(broker, options, (spent) => forwardOnce(broker, options, spent));
}

async function forwardOnce(broker: Broker, { queues, signal }: TickOptions, spent: Spent): Promise<ForwardReport> {
  let report = nothing;
  let nextSec: number | undefined;
  let waiting = queues.flatMap((queue): WaitingSet[] => [
    { queue, from: "scheduled" },
    { queue, from: "retry" },
  ]);
  for (let batches = 1; waiting.length > 0; batches *= 2) {
    if (spent()) return { ...report, more: true };
    const each = await batchesOfEach(broker, waiting.length, batches);
    const sent = waiting.flatMap((set) => Array.from({ length: each }, () => set));
    const answers = await forwardDue(broker, sent, { signal });
    for (const [i, { value, error }] of answers.entries()) {
      nextSec = earliest(nextSec, value?.nextSec);
      // What one batch of a set is refused, its others are refused as well.
      const first = i % each === 0 || answers[i - 1]!.error === undefined;
      const errors = error !== undefined && first ? [{ queue: sent[i]!.queue, error }] : [];
      report = addReports(report, { ...nothing, ...value, more: false, errors });
    }
    waiting = waiting.filter((_, i) => answers[(i + 1) * each - 1]!.value?.more === true);
  }
  return { ...report, nextSec };
}

const nothing: ForwardReport = { forwarded: 0, dangling: 0, quarantined: 0, more: false, errors: [] };
