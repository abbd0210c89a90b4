import type { Broker } from "../broker.ts";
import type { RedisError, StaleCallError } from "../errors.ts";
import type { SendOptions } from "../redis.ts";
import { type BoundScript, type Outcome, runAll } from "../script.ts";
import { bindDequeue, type DequeueReply, type DequeueReport } from "./dequeue.ts";
import { bindSettle, type SettleReply, type SettleReport, type TaskOutcome } from "./settle.ts";

/** What is to be fetched with a settle: as `dequeue` does, from at most 250 queues. */
export interface Fetch {
  readonly queues: readonly string[];
  readonly limit: number;
  /** Whether one suspect may be among the tasks. */
  readonly suspect: boolean;
}

export interface SettledAndDequeued {
  readonly settled: SettleReport;
  /** What was fetched, or why Redis refused that part. */
  readonly dequeued: DequeueReport | RedisError | StaleCallError;
}

/**
 * `settle`, and behind it `dequeue`, in one request: a worker's slots are free in Redis before they are filled again, and a task costs it
 * one round trip instead of two. For one Redis; on a Cluster the two may lie on different nodes.
 *
 * May be repeated: by the port, as the same calls. Each is a call of its own, with its own record.
 * @throws {InvalidOptionError} as `settle`
 * @throws {RedisError} the way to Redis failed: `unknown` means some may be settled, and some fetched
 */
export async function settleAndDequeue(
  broker: Broker,
  outcomes: readonly TaskOutcome[],
  { queues, limit, suspect }: Fetch,
  options: SendOptions = {},
): Promise<SettledAndDequeued> {
  const settling = bindSettle(broker, outcomes);
  const fetching = bindDequeue(broker, queues, limit, suspect);
  const scripts: readonly BoundScript<unknown>[] = [...settling.scripts, fetching.script];
  const answers = await runAll(broker, scripts, options);
  const { value, error } = answers.pop() as Outcome<DequeueReply>;
  return {
    settled: settling.read(answers as Outcome<SettleReply>[]),
    dequeued: error ?? fetching.read(value),
  };
}
