import type { Broker } from "../broker.ts";
import { decodeBytes, decodeList, decodeOptional, decodeRows, decodeScore } from "../decode-reply.ts";
import { DecodeError } from "../errors.ts";
import { leaseKey, queuePrefix } from "../keys.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, runAll } from "../script.ts";
import { splitCalls } from "../split-calls.ts";
import { decodeText } from "../verdicts.ts";
import { type RawTask, readStoredTask, type StoredTask } from "./stored-task.ts";

/** A call reads so many tasks; a message has at most a few MiB. */
const maxPerCall = { items: 100, bytes: 64 * 1024 };

/** Of each id its message, state, result, and its score where its state says that it stands; nothing for an id that has no hash. */
export const getTasksScript = defineScript({
  name: "get-tasks",
  effect: "read",
  keys: ["lease"],
  args: { prefix: "text" },
  each: { id: "text" },
  lua: /* lua */ `
    local reply = {}
    for_each_item(id) do
      local fields = redis.pcall("HMGET", prefix .. "t:" .. id, "msg", "state", "result")
      local state = fields[2]
      local score = false
      if state and state ~= "pending" and state ~= "aggregating" then
        score = redis.pcall("ZSCORE", state == "active" and lease or prefix .. state, id)
        if type(score) ~= "string" then score = false end
      end
      reply[#reply + 1] = fields[1] or false
      reply[#reply + 1] = state or false
      reply[#reply + 1] = score
      reply[#reply + 1] = fields[3] or false
    end
    return reply
  `,
  decode: (reply) =>
    decodeRows(decodeList(reply), 4).map(([msg, state, score, result]): Omit<RawTask, "id"> | undefined =>
      state === null && msg === null
        ? undefined
        : {
            msg: decodeOptional(msg!, decodeBytes),
            state: decodeOptional(state!, decodeText) ?? "",
            score: decodeOptional(score!, decodeScore) ?? 0,
            result: decodeOptional(result!, decodeBytes),
          },
    ),
});

/** What is known of an id: the task, or why it cannot be read; neither when there is none of that id. */
export type GotTask =
  | { readonly raw: RawTask; readonly task: StoredTask; readonly error?: never }
  | { readonly raw: RawTask; readonly task?: never; readonly error: DecodeError };

/**
 * Reads tasks by their ids, in whatever state; `undefined` for each that there is not. Reads only.
 * @throws {RedisError}
 * @see Asynq internal/rdb/inspect.go, `GetTaskInfo`
 */
export async function getTasks(
  broker: Broker,
  queue: string,
  ids: readonly string[],
  options: SendOptions = {},
): Promise<(GotTask | undefined)[]> {
  const nowMs = broker.clock.nowMs();
  const calls = splitCalls(ids, maxPerCall, (id) => id.length);
  const outcomes = await runAll(
    broker,
    calls.map((some) =>
      bind(getTasksScript, {
        queue,
        keys: { lease: leaseKey(queue) },
        args: { prefix: queuePrefix(queue) },
        items: some.map((id) => ({ id })),
      }),
    ),
    options,
  );
  return outcomes.flatMap(({ value, error }, nth) => {
    if (error !== undefined) throw error;
    return calls[nth]!.map((id, i): GotTask | undefined => {
      const found = value[i];
      if (found === undefined) return undefined;
      const raw = { id, ...found };
      try {
        return { raw, task: readStoredTask(queue, raw, nowMs) };
      } catch (why) {
        if (why instanceof DecodeError) return { raw, error: why };
        throw why;
      }
    });
  });
}
