import type { Broker } from "../broker.ts";
import { decodePage } from "../decode-reply.ts";
import { pendingKey, queuePrefix } from "../keys.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, run } from "../script.ts";

/** A page of the keyspace. */
export interface KeyPage {
  /** Where the next page begins; `"0"` when this was the last one. */
  readonly cursor: string;
  /** Full names of queue keys; one may come twice. */
  readonly keys: readonly string[];
}

/** Its key is there so that a Cluster sends the call to the node whose keys are meant. */
export const listKeysScript = defineScript({
  name: "list-keys",
  effect: "read",
  keys: ["of_node"],
  args: { cursor: "text", pattern: "text", count: "text" },
  lua: /* lua */ `return redis.call("SCAN", cursor, "MATCH", pattern, "COUNT", count)`,
  decode: (reply): KeyPage => {
    const { cursor, items } = decodePage(reply);
    return { cursor, keys: items };
  },
});

/** What a glob takes for more than itself. */
const globSigns = /[\\*?[\]^-]/g;

/** The glob that takes every key that begins so. */
export function globPattern(prefix: string): string {
  return `${prefix.replace(globSigns, "\\$&")}*`;
}

/**
 * About `count` keys from `cursor` on: of all queues, or, given `queue`, of that one alone, which is the way through a Cluster. Reads only.
 * @throws {RedisError}
 */
export function listKeys(
  broker: Broker,
  { queue, cursor, count }: { readonly queue?: string | undefined; readonly cursor: string; readonly count: number },
  options: SendOptions = {},
): Promise<KeyPage> {
  const pattern = globPattern(queue === undefined ? "asynq:{" : queuePrefix(queue));
  return run(
    broker,
    bind(listKeysScript, { queue: queue ?? "", keys: { of_node: pendingKey(queue ?? "") }, args: { cursor, pattern, count } }),
    options,
  );
}
