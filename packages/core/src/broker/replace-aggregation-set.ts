import type { Broker } from "../broker.ts";
import { unixNs, unixSec } from "../clock.ts";
import { toCount } from "../decode-reply.ts";
import {
  aggregatedKey,
  aggregationSetKey,
  aggregationSetsKey,
  allQueues,
  groupsKey,
  pendingKey,
  queuePrefix,
  scheduledKey,
} from "../keys.ts";
import { containers } from "../lua/containers.ts";
import { deleteAggregated } from "../lua/delete-aggregated.ts";
import { deleteTasks } from "../lua/delete-tasks.ts";
import { ownsSet } from "../lua/owns-set.ts";
import { setGroup } from "../lua/set-group.ts";
import type { NewTask } from "../options.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, type Outcome, runAll } from "../script.ts";
import { decodeText, decodeVerdicts, unexpected } from "../verdicts.ts";
import { encodeTaskMessage } from "../wire/encode-task-message.ts";
import type { AggregationSet } from "./aggregation-check.ts";
import type { EnqueueVerdict } from "./enqueue.ts";
import { enqueueOne } from "./enqueue-lua.ts";

/**
 * `replaced`; or, with nothing written: `set-lost`, its tasks were given back to their group, or are aggregated already; or why the
 * aggregated task was refused.
 */
export type ReplaceVerdict = "replaced" | "set-lost" | Exclude<EnqueueVerdict, "enqueued">;

export interface Replaced {
  readonly verdict: ReplaceVerdict;
  /** Tasks of the set deleted so far. */
  readonly deleted: number;
  /** Whether tasks of the set are left to `deleteAggregated`. */
  readonly more: boolean;
}

/**
 * none -> pending | scheduled | aggregating for the aggregated task, and aggregating in a set -> gone for those it stands for, in one
 * step: there is no moment at which a crash could make both be worked, or neither. The set leaves Asynq's registry in that step; of a
 * large one the tasks are deleted by later calls, from an index of our own.
 */
export const replaceAggregationSetScript = defineScript({
  name: "replace-aggregation-set",
  effect: "record",
  allowOom: true,
  keys: ["set", "aggregation_sets", "aggregated", "pending", "scheduled", "groups"],
  args: {
    prefix: "text",
    now_s: "text",
    now_ns: "text",
    id: "text",
    msg: "bytes",
    process_at_s: "text",
    group: "text",
    lock: "text",
    lock_ttl_s: "text",
  },
  lua: /* lua */ `
    ${containers}
    ${deleteTasks}
    ${setGroup}
    ${deleteAggregated}
    ${ownsSet}
    if
      is_wrong("zset", set) or is_wrong("zset", aggregation_sets) or is_wrong("zset", aggregated) or is_wrong("list", pending)
      or is_wrong("zset", scheduled) or is_wrong("set", groups) or group ~= "" and is_wrong("zset", prefix .. "g:" .. group)
    then
      return wrong_container()
    end
    if not owns_set(set) then return "l,0,0" end
    local verdict
    ${enqueueOne}
    if verdict ~= "e" then return remember(verdict .. ",0,0") end

    redis.call("ZREM", aggregation_sets, set)
    redis.call("ZADD", aggregated, now_s, set)
    local deleted, left = delete_aggregated(set)
    return remember("r," .. deleted .. "," .. (left and 1 or 0))
  `,
  decode: (reply): Replaced => {
    const [, letter, deleted, more] = /^([a-z]),(\d+),([01])$/.exec(decodeText(reply)) ?? unexpected();
    return { verdict: replaceVerdicts(new TextEncoder().encode(letter), 1)[0]!, deleted: toCount(deleted!), more: more === "1" };
  },
});

const replaceVerdicts = decodeVerdicts<ReplaceVerdict>({
  r: "replaced",
  l: "set-lost",
  c: "task-id-conflict",
  d: "duplicate-task",
});

/**
 * Puts an aggregated task in the place of a set of ours: enqueues the one and deletes the other, at most 1,000 and about 1 MiB of it now.
 * The task must be of the set's queue.
 *
 * May be repeated: by the port, as the same call. Called again by you it is a new call, and `set-lost` may then mean that the first one replaced it.
 * @throws {RedisError} the way to Redis failed: `unknown` means it may be replaced
 * @see Asynq aggregator.go, `aggregate`, which does it in two steps
 */
export async function replaceAggregationSet(
  broker: Broker,
  { queue, group, setId }: AggregationSet,
  task: NewTask,
  options: SendOptions = {},
): Promise<Outcome<Replaced>> {
  const nowMs = broker.clock.nowMs();
  const { message, state, processAtSec, uniqueTtlSec } = task;
  const script = bind(replaceAggregationSetScript, {
    queue,
    keys: {
      set: aggregationSetKey(queue, group, setId),
      aggregation_sets: aggregationSetsKey(queue),
      aggregated: aggregatedKey(queue),
      pending: pendingKey(queue),
      scheduled: scheduledKey(queue),
      groups: groupsKey(queue),
    },
    args: {
      prefix: queuePrefix(queue),
      now_s: unixSec(nowMs),
      now_ns: unixNs(nowMs),
      id: message.id,
      msg: encodeTaskMessage(message),
      process_at_s: processAtSec ?? "",
      group: state === "aggregating" ? message.groupKey! : "",
      lock: message.uniqueKey ?? "",
      lock_ttl_s: uniqueTtlSec ?? "",
    },
    before: [["SADD", allQueues, queue]],
  });
  const [outcome] = await runAll(broker, [script], options);
  return outcome!;
}
