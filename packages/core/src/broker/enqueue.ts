import type { Broker } from "../broker.ts";
import { unixNs, unixSec } from "../clock.ts";
import type { RedisError, StaleCallError } from "../errors.ts";
import { allQueues, groupsKey, pendingKey, queuePrefix, scheduledKey } from "../keys.ts";
import type { NewTask } from "../options.ts";
import type { MarkedBytes, SendOptions } from "../redis.ts";
import { type BoundScript, runAll } from "../script.ts";
import type { CallBounds } from "../split-calls.ts";
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

/** One call as it fills: of the tasks it holds their places among all. */
interface Call extends BoundScript<EnqueueVerdict[]> {
  readonly args: (string | number | MarkedBytes)[];
  readonly places: number[];
  items: number;
  bytes: number;
}

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
  const calls: Call[] = [];
  /** Of each queue the call that has room left. */
  const open = new Map<string, Call>();
  tasks.forEach(({ message, state, processAtSec = "", uniqueTtlSec = "" }, at) => {
    const { queue, id, groupKey = "", uniqueKey = "" } = message;
    const msg = encodeTaskMessage(message);
    const size = msg.bytes.length;
    let call = open.get(queue);
    if (!call || call.items === maxPerEnqueue.items || call.bytes + size > maxPerEnqueue.bytes) {
      call = {
        script: enqueueScript,
        queue,
        keys: [pendingKey(queue), scheduledKey(queue), groupsKey(queue)],
        // By place, as `enqueueNames` has them: names would weigh more than the script.
        args: [queuePrefix(queue), unixSec(nowMs), unixNs(nowMs)],
        items: 0,
        // With every call, not with the first alone: each may be all that arrives.
        before: isDue(queue) ? [["SADD", allQueues, queue]] : [],
        bytes: 0,
        places: [],
      };
      open.set(queue, call);
      calls.push(call);
    }
    call.items = call.places.push(at);
    call.bytes += size;
    call.args.push(id, msg, processAtSec, state === "aggregating" ? groupKey : "", uniqueKey, uniqueTtlSec);
  });
  const outcomes = await runAll(broker, calls, options);

  calls.forEach(({ queue, before }, i) => {
    const { error, beforeError } = outcomes[i]!;
    if (before.length > 0 && !error && !beforeError) published.set(queue, clock.monotonicMs());
  });
  const results: EnqueueResult[] = [];
  calls.forEach(({ queue, places }, i) => {
    const { value, beforeError, error = isDue(queue) ? beforeError : undefined } = outcomes[i]!;
    places.forEach((at, nth) => {
      results[at] = error ? { error } : { verdict: value![nth]! };
    });
  });
  return results;
}
