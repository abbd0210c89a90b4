import type { Broker } from "../broker.ts";
import { decodeCount, decodeList, decodeRows } from "../decode-reply.ts";
import { pendingKey } from "../keys.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, run } from "../script.ts";

/** A look goes through so many places: a million take two hundred looks of two milliseconds. */
const placesPerLook = 5_000;

/** Of the ids that stand in a part of the list: which they are, and at what place, from the left. */
export const findPendingScript = defineScript({
  name: "find-pending",
  effect: "read",
  keys: ["pending"],
  args: { start: "text", count: "text" },
  each: { id: "text" },
  lua: /* lua */ `
    local wanted, reply = {}, {}
    for_each_item(id) do wanted[id] = item end
    local ids = redis.call("LRANGE", pending, start, start + count - 1)
    reply[1] = #ids
    for i, id in ipairs(ids) do
      if wanted[id] then
        reply[#reply + 1] = wanted[id] - 1
        reply[#reply + 1] = start + i - 1
      end
    end
    return reply
  `,
  decode: (reply) => {
    const [looked = null, ...found] = decodeList(reply).map((word) => decodeCount(word));
    return { looked: decodeCount(looked), found: decodeRows(found, 2) };
  },
});

/**
 * Where in the list of pending tasks these stand, counted from the left, each as far as it was found; nobody holds the list meanwhile, so that
 * it is about there. Reads only.
 * @throws {RedisError}
 */
export async function findPending(
  broker: Broker,
  queue: string,
  ids: readonly string[],
  options: SendOptions = {},
): Promise<ReadonlyMap<string, number>> {
  const places = new Map<string, number>();
  for (let start = 0; places.size < ids.length; start += placesPerLook) {
    const { looked, found } = await run(
      broker,
      bind(findPendingScript, {
        queue,
        keys: { pending: pendingKey(queue) },
        args: { start, count: placesPerLook },
        items: ids.map((id) => ({ id })),
      }),
      options,
    );
    for (const [nth, at] of found) places.set(ids[nth!]!, at!);
    if (looked < placesPerLook) break;
  }
  return places;
}
