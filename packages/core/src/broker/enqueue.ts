import type { Broker } from "../broker.ts";
import { byQueue } from "../by-queue.ts";
import { unixNs, unixSec } from "../clock.ts";
import type { RedisError, StaleCallError } from "../errors.ts";
import { allQueues, groupsKey, pendingKey, queuePrefix, scheduledKey } from "../keys.ts";
import { containers } from "../lua/containers.ts";
import type { NewTask } from "../options.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, runAll } from "../script.ts";
import { type CallBounds, splitCalls } from "../split-calls.ts";
import { decodeVerdicts } from "../verdicts.ts";
import { encodeTaskMessage } from "../wire/encode-task-message.ts";

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
 * none -> pending | scheduled | aggregating, many at once. The lock is looked at before the id, as in Asynq, but taken only when the task
 * is really written, so a refused task leaves nothing behind.
 * @see Asynq internal/rdb/rdb.go, `enqueueCmd`, `enqueueUniqueCmd`, `scheduleCmd`, `scheduleUniqueCmd`, `addToGroupCmd`, `addToGroupUniqueCmd`
 */
export const enqueueScript = defineScript({
  name: "enqueue",
  effect: "record",
  keys: ["pending", "scheduled", "groups"],
  args: { prefix: "text", now_s: "text", now_ns: "text" },
  each: { id: "text", msg: "bytes", process_at_s: "text", group: "text", lock: "text", lock_ttl_s: "text" },
  lua: /* lua */ `
    ${containers}
    local wrong = is_wrong("list", pending) or is_wrong("zset", scheduled) or is_wrong("set", groups)
    for_each_item(group) do
      wrong = wrong or group ~= "" and is_wrong("zset", prefix .. "g:" .. group)
    end
    if wrong then return wrong_container() end

    local verdicts = {}
    for_each_item(id, msg, process_at_s, group, lock, lock_ttl_s) do
      local task = prefix .. "t:" .. id
      if lock ~= "" and redis.call("EXISTS", lock) == 1 then
        verdicts[item] = "d"
      elseif redis.call("EXISTS", task) == 1 then
        verdicts[item] = "c"
      else
        if process_at_s ~= "" then
          redis.call("HSET", task, "msg", msg, "state", "scheduled")
          redis.call("ZADD", scheduled, process_at_s, id)
        elseif group ~= "" then
          redis.call("HSET", task, "msg", msg, "state", "aggregating", "group", group)
          redis.call("ZADD", prefix .. "g:" .. group, now_s, id)
          redis.call("SADD", groups, group)
        else
          redis.call("HSET", task, "msg", msg, "state", "pending", "pending_since", now_ns)
          redis.call("LPUSH", pending, id)
        end
        if lock ~= "" then
          redis.call("HSET", task, "unique_key", lock)
          redis.call("SET", lock, id, "EX", lock_ttl_s)
        end
        verdicts[item] = "e"
      end
    end
    return remember(table.concat(verdicts))
  `,
  decode: decodeVerdicts<EnqueueVerdict>({ e: "enqueued", c: "task-id-conflict", d: "duplicate-task" }),
});

/**
 * Makes tasks ready, due later, or waiting in their group: any mix, of any queues. One call per queue and chunk, all in one request; one
 * result per task, in order. A task further down sees those before it: the same id twice is one success and one conflict.
 *
 * May be repeated: by the port, as the same call, within the replay window. Called again by you it is a new call, and a task that was
 * written before is a conflict.
 * @throws {RedisError} the way to Redis failed; `delivered` says whether tasks may have been written
 */
export async function enqueue(broker: Broker, tasks: readonly NewTask[], options: SendOptions = {}): Promise<EnqueueResult[]> {
  const nowMs = broker.clock.nowMs();
  const chunks = [...byQueue(tasks, ({ message }) => message.queue)].flatMap(([queue, ofQueue]) =>
    splitCalls(
      ofQueue.map(({ item, at }) => ({ ...item, at, msg: encodeTaskMessage(item.message) })),
      maxPerEnqueue,
      ({ msg }) => msg.bytes.length,
    ).map((items) => ({ queue, items })),
  );
  const due = unpublished(broker, new Set(chunks.map(({ queue }) => queue)));
  const scripts = chunks.map(({ queue, items }) =>
    bind(enqueueScript, {
      queue,
      keys: { pending: pendingKey(queue), scheduled: scheduledKey(queue), groups: groupsKey(queue) },
      args: { prefix: queuePrefix(queue), now_s: unixSec(nowMs), now_ns: unixNs(nowMs) },
      items: items.map(({ message, msg, state, processAtSec, uniqueTtlSec }) => ({
        id: message.id,
        msg,
        process_at_s: processAtSec ?? "",
        group: state === "aggregating" ? message.groupKey! : "",
        lock: message.uniqueKey ?? "",
        lock_ttl_s: uniqueTtlSec ?? "",
      })),
      // With every call, not with the first alone: each may be all that arrives.
      before: due.has(queue) ? [["SADD", allQueues, queue]] : [],
    }),
  );
  const outcomes = await runAll(broker, scripts, options);

  const nowPublishedMs = broker.clock.monotonicMs();
  for (const [i, { queue }] of chunks.entries()) {
    const { error, beforeError } = outcomes[i]!;
    if (error === undefined && beforeError === undefined && due.delete(queue)) broker.published.set(queue, nowPublishedMs);
  }

  const results: EnqueueResult[] = new Array(tasks.length);
  for (const [i, { queue, items }] of chunks.entries()) {
    const { value, beforeError, error = due.has(queue) ? beforeError : undefined } = outcomes[i]!;
    for (const [nth, { at }] of items.entries()) results[at] = error === undefined ? { verdict: value![nth]! } : { error };
  }
  return results;
}

/** The queues whose name is to be written again. */
function unpublished({ published, clock }: Broker, queues: Iterable<string>): Set<string> {
  const nowMs = clock.monotonicMs();
  const due = new Set<string>();
  for (const queue of queues) {
    const atMs = published.get(queue);
    if (atMs === undefined || nowMs - atMs >= publishEveryMs) due.add(queue);
  }
  return due;
}
