import type { Broker } from "../broker.ts";
import { decodeBytes, decodeCount, decodeList, decodeOptional, decodeRows } from "../decode-reply.ts";
import { aggregationSetKey, queuePrefix } from "../keys.ts";
import { containers } from "../lua/containers.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, run } from "../script.ts";
import { decodeText } from "../verdicts.ts";
import type { AggregationSet } from "./aggregation-check.ts";

/** A look reads at most so many tasks, and stops at so many bytes of messages. */
const most = { items: 1000, bytes: 1024 * 1024 };

/** One id of a set. */
export interface SetMember {
  readonly id: string;
  /** Absent when there is nothing to aggregate: the hash is gone, no hash, without message, or of a task that is elsewhere by now. */
  readonly msg: Uint8Array | undefined;
}

export interface SetPage {
  readonly members: readonly SetMember[];
  /** Whether the set goes on behind them. */
  readonly more: boolean;
}

/** Ids and messages of a set from rank `first` on. @see Asynq internal/rdb/rdb.go, `readAggregationSetCmd` */
export const readAggregationSetScript = defineScript({
  name: "read-aggregation-set",
  effect: "read",
  keys: ["set"],
  args: { prefix: "text", group: "text", first: "text", limit: "text", max_bytes: "text" },
  lua: /* lua */ `
    ${containers}
    if is_wrong("zset", set) then return wrong_container() end
    local ids = redis.call("ZRANGE", set, first, first + limit - 1)
    local bytes_left = tonumber(max_bytes)
    local reply = { #ids < tonumber(limit) and 0 or 1 }
    for _, id in ipairs(ids) do
      if bytes_left <= 0 then
        reply[1] = 1
        break
      end
      local fields = redis.pcall("HMGET", prefix .. "t:" .. id, "msg", "state", "group")
      local is_here = fields[2] == "aggregating" and (not fields[3] or fields[3] == group)
      reply[#reply + 1] = id
      reply[#reply + 1] = is_here and fields[1]
      if is_here and fields[1] then bytes_left = bytes_left - #fields[1] end
    end
    return reply
  `,
  decode: (reply): SetPage => {
    const [more = null, ...words] = decodeList(reply);
    const members = decodeRows(words, 2).map(([id, msg]): SetMember => ({ id: decodeText(id!), msg: decodeOptional(msg!, decodeBytes) }));
    return { members, more: decodeCount(more, 1) === 1 };
  },
});

/**
 * Reads a set from its `first`-th task on, oldest first: at most 1,000 tasks and about 1 MiB of messages. Reads only.
 * @throws {RedisError}
 */
export function readAggregationSet(
  broker: Broker,
  { queue, group, setId }: AggregationSet,
  first = 0,
  options: SendOptions = {},
): Promise<SetPage> {
  return run(
    broker,
    bind(readAggregationSetScript, {
      queue,
      keys: { set: aggregationSetKey(queue, group, setId) },
      args: { prefix: queuePrefix(queue), group, first, limit: most.items, max_bytes: most.bytes },
    }),
    options,
  );
}
