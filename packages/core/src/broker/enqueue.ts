import type { Broker } from "../broker.ts";
import { byQueue } from "../by-queue.ts";
import { unixNs, unixSec } from "../clock.ts";
import type { RedisError, StaleCallError } from "../errors.ts";
import { allQueues, groupsKey, pendingKey, queuePrefix, scheduledKey } from "../keys.ts";
import type { NewTask } from "../options.ts";
import type { SendOptions } from "../redis.ts";
import { type BoundScript, runAll } from "../script.ts";
import { type CallBounds, splitCalls } from "../split-calls.ts";
import { decodeVerdicts } from "../verdicts.ts";
import { encodeTaskMessage } from "../wire/encode-task-message.ts";
import { enqueueSha, enqueueText } from "./generated/enqueue-text.ts";

/** `enqueued`; or, with nothing written: the id is in the queue already, or another task holds the unique lock. */
export type EnqueueVerdict = "enqueued" | "task-id-conflict" | "duplicate-task";

/** What became of one task: its verdict, or the error of the call it was in. */
export type EnqueueResult =
  | { readonly verdict: EnqueueVerdict; readonly error?: never }
  | { readonly verdict?: never; readonly error: RedisError | StaleCallError };

/** A call holds at most so many tasks and so many bytes of messages. */
export const maxPerEnqueue: CallBounds = { items: 1000, bytes: 1024 * 1024 };
/** How often a queue's name is written to `asynq:queues` again: another client may have removed the queue meanwhile. */
export const publishEveryMs = 60_000;

/**
 * none -> pending | scheduled | aggregating, many at once: `enqueue-lua.ts` has its names and its body. Linked beforehand, since the linker
 * and the hashing would weigh more than the script.
 */
export const enqueueScript: BoundScript<EnqueueVerdict[]>["script"] = {
  name: "enqueue",
  effect: "record",
  decode: decodeVerdicts<EnqueueVerdict>({ e: "enqueued", c: "task-id-conflict", d: "duplicate-task" }),
  text() {
    return enqueueText;
  },
  sha() {
    return enqueueSha;
  },
};

/**
 * Makes tasks ready, due later, or waiting in their group: any mix, of any queues. One call per queue and chunk, all in one request; one
 * result per task, in order. A task further down sees those before it: the same id twice is one success and one conflict.
 *
 * May be repeated: by the port, as the same call, within the replay window. Called again by you it is a new call, and a task that was
 * written before is a conflict.
 * @throws {RedisError} the way to Redis failed; `delivered` says whether tasks may have been written
 */
export async function enqueue(broker: Broker, tasks: readonly NewTask[], options: SendOptions = {}): Promise<EnqueueResult[]> {
  const { clock, published } = broker;
  const nowMs = clock.nowMs();
  const isDue = (queue: string): boolean => !(clock.monotonicMs() - published.get(queue)! < publishEveryMs);
  const calls = [...byQueue(tasks, ({ message }) => message.queue)].flatMap(([queue, ofQueue]) =>
    splitCalls(
      ofQueue.map(({ item, at }) => ({ ...item, at, msg: encodeTaskMessage(item.message) })),
      maxPerEnqueue,
      ({ msg }) => msg.bytes.length,
    ).map((items) => ({ queue, items })),
  );
  const scripts = calls.map(
    ({ queue, items }): BoundScript<EnqueueVerdict[]> =>
      // By place, as `enqueueNames` has them: names would weigh more than the script.
      ({
        script: enqueueScript,
        queue,
        keys: [pendingKey(queue), scheduledKey(queue), groupsKey(queue)],
        args: [
          queuePrefix(queue),
          unixSec(nowMs),
          unixNs(nowMs),
          ...items.flatMap(({ message, msg, state, processAtSec = "", uniqueTtlSec = "" }) => [
            message.id,
            msg,
            processAtSec,
            state === "aggregating" ? message.groupKey! : "",
            message.uniqueKey ?? "",
            uniqueTtlSec,
          ]),
        ],
        items: items.length,
        // With every call, not with the first alone: each may be all that arrives.
        before: isDue(queue) ? [["SADD", allQueues, queue]] : [],
      }),
  );
  const outcomes = await runAll(broker, scripts, options);

  for (const [i, { error, beforeError }] of outcomes.entries()) {
    const { queue, before } = scripts[i]!;
    if (before.length > 0 && !error && !beforeError) published.set(queue, clock.monotonicMs());
  }
  const results: EnqueueResult[] = [];
  for (const [i, { queue, items }] of calls.entries()) {
    const { value, beforeError, error = isDue(queue) ? beforeError : undefined } = outcomes[i]!;
    for (const [nth, { at }] of items.entries()) results[at] = error ? { error } : { verdict: value![nth]! };
  }
  return results;
}
