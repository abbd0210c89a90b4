import { forwardDue, type WaitingSet } from "../broker/forward-due.ts";
import type { Broker } from "../broker.ts";
import { addReports, earliest, runTick, type Spent, type TickOptions, type TickReport } from "./tick.ts";

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
  let report: ForwardReport = { forwarded: 0, dangling: 0, quarantined: 0, more: false, errors: [] };
  let nextSec: number | undefined;
  let waiting = queues.flatMap((queue): WaitingSet[] => [
    { queue, from: "scheduled" },
    { queue, from: "retry" },
  ]);
  while (waiting.length > 0) {
    if (spent()) return { ...report, more: true };
    const answers = await forwardDue(broker, waiting, { signal });
    for (const [i, { value, error }] of answers.entries()) {
      const { queue } = waiting[i]!;
      nextSec = earliest(nextSec, value?.nextSec);
      report = addReports(report, error === undefined ? { ...value, more: false, errors: [] } : { ...nothing, errors: [{ queue, error }] });
    }
    waiting = waiting.filter((_, i) => answers[i]!.value?.more === true);
  }
  return { ...report, nextSec };
}

const nothing: ForwardReport = { forwarded: 0, dangling: 0, quarantined: 0, more: false, errors: [] };
