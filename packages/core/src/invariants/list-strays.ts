import type { Broker } from "../broker.ts";
import { queuePrefix } from "../keys.ts";
import type { Reply, SendOptions } from "../redis.ts";
import { bind, defineScript, run } from "../script.ts";
import { decodeText } from "../verdicts.ts";
import type { Home } from "./judge-task.ts";

/** A call walks past so many ids. */
const idsPerCall = 500;

/** Ids in a container whose task is not there, or says that it is elsewhere. */
export const listStraysScript = defineScript({
  name: "list-strays",
  effect: "read",
  keys: ["container"],
  args: { prefix: "text", state: "text", group: "text", start: "text", stop: "text" },
  lua: /* lua */ `
    local is = redis.call("TYPE", container).ok
    local ids = is == "list" and redis.call("LRANGE", container, start, stop)
      or is == "zset" and redis.call("ZRANGE", container, start, stop) or {}
    local strays = {}
    for _, id in ipairs(ids) do
      local fields = redis.pcall("HMGET", prefix .. "t:" .. id, "state", "group")
      if fields.err or fields[1] ~= state or state == "aggregating" and fields[2] ~= group then strays[#strays + 1] = id end
    end
    return { #ids, strays }
  `,
  decode: (reply): { readonly walked: number; readonly strays: readonly string[] } => {
    const [walked, strays] = reply as readonly [number, readonly Reply[]];
    return { walked, strays: strays.map(decodeText) };
  },
});

/**
 * Walks through a container and answers, a part at a time, the ids that do not belong there. What moves meanwhile may be passed by or met
 * twice. Reads only.
 * @throws {RedisError}
 */
export async function* listStrays(
  broker: Broker,
  queue: string,
  { key, state, group }: Home,
  options: SendOptions,
): AsyncGenerator<readonly string[]> {
  for (let start = 0; ; start += idsPerCall) {
    const args = { prefix: queuePrefix(queue), state, group: group ?? "", start, stop: start + idsPerCall - 1 };
    const { walked, strays } = await run(broker, bind(listStraysScript, { queue, keys: { container: key }, args }), options);
    if (strays.length > 0) yield strays;
    if (walked < idsPerCall) return;
  }
}
