import type { Broker } from "../broker.ts";
import { pendingKey, queuePrefix } from "../keys.ts";
import type { Reply, SendOptions } from "../redis.ts";
import { bind, defineScript, run } from "../script.ts";
import { decodeText } from "../verdicts.ts";
import { lockOf } from "./judge-queue.ts";
import type { TaskHash } from "./judge-task.ts";
import { judgedFields, readHash } from "./read-queue.ts";

/** A lock and who holds it, at one moment. */
export interface LookedAtLock {
  readonly rest: string;
  readonly kind: string;
  readonly id: string;
  readonly hash: TaskHash | "wrong kind" | undefined;
  /** The lock that the holder's message names, read where its hash names none. */
  readonly messageLock: string | undefined;
}

export const lookAtLocksScript = defineScript({
  name: "look-at-locks",
  effect: "read",
  keys: ["pending"],
  args: { prefix: "text" },
  each: { rest: "text" },
  lua: /* lua */ `
    local reply = {}
    for_each_item(rest) do
      local kind, id = redis.call("TYPE", prefix .. rest).ok, false
      local fields = false
      if kind == "string" then
        id = redis.call("GET", prefix .. rest)
        local task = prefix .. "t:" .. id
        fields = redis.pcall("HMGET", task, ${judgedFields.map((field) => `"${field}"`).join(", ")})
        if fields.err then fields = 0
        elseif redis.call("EXISTS", task) == 0 then fields = false
        -- Where the hash names the lock, the message need not be read.
        elseif fields[1] and fields[4] and fields[4] ~= "" then fields[1] = ""
        end
      end
      reply[item] = { kind, id, fields }
    end
    return reply
  `,
  decode: (reply) => reply as readonly (readonly [Reply, Reply, Reply])[],
});

/**
 * Looks at up to 100 locks. One that is gone by now is left out. Reads only.
 * @throws {RedisError}
 */
export async function lookAtLocks(broker: Broker, queue: string, rests: readonly string[], options: SendOptions): Promise<LookedAtLock[]> {
  const bound = bind(lookAtLocksScript, {
    queue,
    keys: { pending: pendingKey(queue) },
    args: { prefix: queuePrefix(queue) },
    items: rests.map((rest) => ({ rest })),
  });
  return (await run(broker, bound, options)).flatMap(([kindWord, id, fields], i) => {
    const kind = decodeText(kindWord);
    if (kind === "none") return [];
    const hash = fields === 0 ? "wrong kind" : fields === null ? undefined : readHash(fields as readonly Reply[]);
    const messageLock = typeof hash === "object" && hash.uniqueKey === undefined ? lockOf(hash.msg) : undefined;
    return [{ rest: rests[i]!, kind, id: id === null ? "" : decodeText(id), hash, messageLock }];
  });
}
