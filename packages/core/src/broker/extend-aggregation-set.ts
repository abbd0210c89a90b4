import type { Broker } from "../broker.ts";
import { aggregationSetKey, aggregationSetsKey } from "../keys.ts";
import { containers } from "../lua/containers.ts";
import { ownsSet } from "../lua/owns-set.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, run } from "../script.ts";
import { decodeVerdicts } from "../verdicts.ts";
import type { AggregationSet } from "./aggregation-check.ts";

export type ExtendSetVerdict = "extended" | "set-lost";

/** Moves the deadline of a set onward, never back. A Go recoverer leaves a set alone until its deadline. */
export const extendAggregationSetScript = defineScript({
  name: "extend-aggregation-set",
  effect: "record",
  allowOom: true,
  keys: ["aggregation_sets"],
  args: { set_key: "text", until_s: "text" },
  lua: /* lua */ `
    ${containers}
    ${ownsSet}
    if is_wrong("zset", aggregation_sets) then return wrong_container() end
    if not owns_set(set_key) then return "l" end
    redis.call("ZADD", aggregation_sets, "GT", until_s, set_key)
    return remember("e")
  `,
  decode: decodeVerdicts<ExtendSetVerdict>({ e: "extended", l: "set-lost" }),
});

/**
 * Extends the deadline of a set of ours to `untilSec`; `set-lost` when its tasks were given back to their group, or are aggregated.
 *
 * May be repeated: yes; a deadline never gets earlier.
 * @throws {RedisError}
 */
export async function extendAggregationSet(
  broker: Broker,
  { queue, group, setId }: AggregationSet,
  untilSec: number,
  options: SendOptions = {},
): Promise<ExtendSetVerdict> {
  const [verdict] = await run(
    broker,
    bind(extendAggregationSetScript, {
      queue,
      keys: { aggregation_sets: aggregationSetsKey(queue) },
      args: { set_key: aggregationSetKey(queue, group, setId), until_s: untilSec },
    }),
    options,
  );
  return verdict!;
}
