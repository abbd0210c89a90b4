import type { Broker } from "../broker.ts";
import { decodeCount } from "../decode-reply.ts";
import type { SendOptions } from "../redis.ts";
import { type BoundScript, run } from "../script.ts";
import { ask } from "../send-plain.ts";
import { containerOf, type TaskPlace } from "./list-tasks.ts";
import { type VerbReply, type VerbValues, verbValues } from "./task-verbs.ts";

/** What became of all tasks of a state. */
export interface AllReport {
  /** How many were acted on. */
  readonly done: number;
  /** Ids without a task, or of one that is elsewhere: dropped. */
  readonly dropped: number;
  /** Archived tasks that were deleted to make room. */
  readonly trimmed: number;
  /** How many stood there when it began. */
  readonly of: number;
  /** Whether it was told to stop before it was through: called again it goes on. */
  readonly more: boolean;
}

/** How all tasks of a state are acted on. */
export interface AllOptions extends SendOptions {
  /** Told after each batch how far it is. */
  readonly onProgress?: ((report: AllReport) => void) | undefined;
  /** Stops after the batch that is under way. */
  readonly signal?: AbortSignal | undefined;
}

/** A batch has so many tasks, and holds Redis for about a millisecond. */
const tasksPerBatch = 100;

/**
 * Acts on the tasks of a place, a batch at a time from its front, until as many were met as stood there when it began: so it ends however fast
 * others come, and of those that come meanwhile some may be met in the place of some that left.
 */
export async function actOnAll(
  broker: Broker,
  queue: string,
  place: TaskPlace,
  call: (values: VerbValues) => BoundScript<VerbReply>,
  { onProgress, signal, ...options }: AllOptions,
): Promise<AllReport> {
  const { key, kind } = containerOf(queue, place);
  const of = await ask(broker.redis, [kind === "list" ? "LLEN" : "ZCARD", key], (reply) => decodeCount(reply), options);
  let report: AllReport = { done: 0, dropped: 0, trimmed: 0, of, more: false };
  for (let left = of; left > 0; ) {
    if (signal?.aborted === true) return { ...report, more: true };
    const values = verbValues(broker, queue, place, Math.min(left, tasksPerBatch));
    const { verdicts, trimmed } = await run(broker, call({ ...values, items: [] }), options);
    if (verdicts.length === 0) break;
    const done = verdicts.filter((verdict) => verdict === "done").length;
    report = {
      ...report,
      done: report.done + done,
      dropped: report.dropped + verdicts.length - done,
      trimmed: report.trimmed + trimmed,
    };
    left -= verdicts.length;
    onProgress?.({ ...report, more: left > 0 });
  }
  return report;
}
