import type { Broker } from "../broker.ts";
import { decodeCount, decodeList, decodeOptional, decodeRows, decodeScore } from "../decode-reply.ts";
import { quarantineKey, queuePrefix } from "../keys.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, run } from "../script.ts";
import { decodeText } from "../verdicts.ts";

/** A task that was set aside since it cannot be read. */
export interface QuarantinedTask {
  readonly id: string;
  readonly quarantinedAt: Date;
  /** The state it was in; `undefined` when its hash does not say. */
  readonly from: string | undefined;
  /** Why it cannot be read; never holds its bytes. */
  readonly why: string | undefined;
  /** How many bytes its message has. */
  readonly msgBytes: number;
}

export const listQuarantinedScript = defineScript({
  name: "list-quarantined",
  effect: "read",
  keys: ["quarantine"],
  args: { prefix: "text", start: "text", stop: "text" },
  lua: /* lua */ `
    local found = redis.call("ZRANGE", quarantine, start, stop, "WITHSCORES")
    local reply = {}
    for i = 1, #found, 2 do
      local task = prefix .. "t:" .. found[i]
      local fields = redis.pcall("HMGET", task, "js:from", "js:why")
      reply[#reply + 1] = found[i]
      reply[#reply + 1] = found[i + 1]
      reply[#reply + 1] = fields[1] or false
      reply[#reply + 1] = fields[2] or false
      reply[#reply + 1] = fields.err and 0 or redis.call("HSTRLEN", task, "msg")
    end
    return reply
  `,
  decode: (reply) =>
    decodeRows(decodeList(reply), 5).map(
      ([id, score, from, why, msgBytes]): QuarantinedTask => ({
        id: decodeText(id!),
        quarantinedAt: new Date(decodeScore(score!) * 1000),
        from: decodeOptional(from!, decodeText),
        why: decodeOptional(why!, decodeText),
        msgBytes: decodeCount(msgBytes!),
      }),
    ),
});

/**
 * Quarantined tasks of a queue, the longest there first: `size` of them from the `page`-th page on, the first being 1. Reads only.
 * @throws {RedisError}
 */
export function listQuarantined(
  broker: Broker,
  queue: string,
  { page = 1, size = 30 }: { readonly page?: number; readonly size?: number } = {},
  options: SendOptions = {},
): Promise<QuarantinedTask[]> {
  const start = (Math.max(1, page) - 1) * size;
  return run(
    broker,
    bind(listQuarantinedScript, {
      queue,
      keys: { quarantine: quarantineKey(queue) },
      args: { prefix: queuePrefix(queue), start, stop: start + size - 1 },
    }),
    options,
  );
}
