import type { Broker } from "../broker.ts";
import { decodeCounts } from "../decode-reply.ts";
import { aggregatedKey, queuePrefix } from "../keys.ts";
import { containers } from "../lua/containers.ts";
import { deleteAggregated as deleteAggregatedLua } from "../lua/delete-aggregated.ts";
import { deleteTasks } from "../lua/delete-tasks.ts";
import { setGroup } from "../lua/set-group.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, type Outcome, runAll } from "../script.ts";

export interface DeletedAggregated {
  readonly deleted: number;
  /** Whether some are left. */
  readonly more: boolean;
}

/** aggregating in a set -> gone, of the set that was replaced first. */
export const deleteAggregatedScript = defineScript({
  name: "delete-aggregated",
  effect: "record",
  allowOom: true,
  keys: ["aggregated"],
  args: { prefix: "text" },
  lua: /* lua */ `
    ${containers}
    ${deleteTasks}
    ${setGroup}
    ${deleteAggregatedLua}
    if is_wrong("zset", aggregated) then return wrong_container() end
    local set_key = redis.call("ZRANGE", aggregated, 0, 0)[1]
    if not set_key then return "0,0" end
    local deleted = delete_aggregated(set_key)
    return remember(deleted .. "," .. redis.call("EXISTS", aggregated))
  `,
  decode: (reply): DeletedAggregated => {
    const { deleted, more } = decodeDeleted(reply);
    return { deleted, more: more === 1 };
  },
});

const decodeDeleted = decodeCounts("deleted", "more");

/**
 * Deletes, in each of the queues, tasks of one set whose aggregated task is enqueued: what `replaceAggregationSet` left, or whoever was
 * killed after it. At most 1,000 and about 1 MiB of messages a queue; one call per queue, all in one request.
 *
 * May be repeated: by the port, as the same call; called again it deletes what is next.
 * @throws {RedisError} the way to Redis failed
 */
export function deleteAggregated(
  broker: Broker,
  queues: readonly string[],
  options: SendOptions = {},
): Promise<Outcome<DeletedAggregated>[]> {
  return runAll(
    broker,
    queues.map((queue) =>
      bind(deleteAggregatedScript, { queue, keys: { aggregated: aggregatedKey(queue) }, args: { prefix: queuePrefix(queue) } }),
    ),
    options,
  );
}
