import type { Broker } from "../broker.ts";
import { decodeBytes, decodeList, decodeOptional, decodeRows } from "../decode-reply.ts";
import { archivedKey, pendingKey, queuePrefix, retryKey, scheduledKey } from "../keys.ts";
import type { Reply, SendOptions } from "../redis.ts";
import { bind, defineScript, type Outcome, runAll } from "../script.ts";
import { decodeText } from "../verdicts.ts";
import { decodeTaskMessage } from "../wire/decode-task-message.ts";
import { bounds } from "./bounds.ts";
import type { TaskFacts } from "./facts.ts";

/** Of each container so many tasks are looked at, so many are told of, and none whose message is larger. */
const most = { looked: 20, told: 10, bytes: 64 * 1024 };

/** What the error of a task says where no handler was there for it, and where its handler did not end in time. Go's words, and ours. */
const noHandler = "handler not found for task";
const deadline = "context deadline exceeded";

/**
 * The next to run, to be forwarded and to be retried, and the last that were archived, not long ago: those that crashed a worker, or failed in one
 * of two ways.
 */
export const sampleTasksScript = defineScript({
  name: "sample-tasks",
  effect: "read",
  keys: ["pending", "scheduled", "retry", "archived"],
  args: { prefix: "text", looked: "text", told: "text", max_bytes: "text", no_handler: "text", deadline: "text", since_s: "text" },
  lua: /* lua */ `
    local reply = {}
    local function look(state, ids)
      for _, id in ipairs(ids) do
        local key = prefix .. "t:" .. id
        if #reply / 4 < tonumber(told) and redis.call("HSTRLEN", key, "msg") <= tonumber(max_bytes) then
          local fields = redis.call("HMGET", key, "msg", "js:recovered")
          local msg, recovered = fields[1] or "", fields[2] or ""
          if recovered ~= "" or string.find(msg, no_handler, 1, true) or string.find(msg, deadline, 1, true) then
            for _, word in ipairs({ id, state, recovered, msg }) do reply[#reply + 1] = word end
          end
        end
      end
    end
    look("pending", redis.call("LRANGE", pending, -looked, -1))
    look("scheduled", redis.call("ZRANGE", scheduled, 0, looked - 1))
    look("retry", redis.call("ZRANGE", retry, 0, looked - 1))
    local lately, last = {}, redis.call("ZREVRANGE", archived, 0, looked - 1, "WITHSCORES")
    for i = 1, #last, 2 do
      if tonumber(last[i + 1]) >= tonumber(since_s) then lately[#lately + 1] = last[i] end
    end
    look("archived", lately)
    return reply
  `,
  decode: decodeSamples,
});

/**
 * Looks closely at a few tasks of each of the queues, all in one request; one outcome per queue, in order. Reads only.
 * @throws {RedisError} the way to Redis failed
 */
export function sampleTasks(
  broker: Broker,
  queues: readonly string[],
  nowSec: number,
  options: SendOptions = {},
): Promise<Outcome<TaskFacts[]>[]> {
  return runAll(
    broker,
    queues.map((queue) =>
      bind(sampleTasksScript, {
        queue,
        keys: { pending: pendingKey(queue), scheduled: scheduledKey(queue), retry: retryKey(queue), archived: archivedKey(queue) },
        args: {
          prefix: queuePrefix(queue),
          looked: most.looked,
          told: most.told,
          max_bytes: most.bytes,
          no_handler: noHandler,
          deadline,
          since_s: nowSec - bounds.troubleSec,
        },
      }),
    ),
    options,
  );
}

function decodeSamples(reply: Reply): TaskFacts[] {
  return decodeRows(decodeList(reply), 4).flatMap((row): TaskFacts[] => {
    const [id = "", state = "", recovered = ""] = row.slice(0, 3).map(decodeText);
    const msg = decodeOptional(row[3]!, decodeBytes) ?? new Uint8Array();
    const trouble = readTrouble(msg, recovered);
    return trouble === undefined ? [] : [{ id, state, ...trouble }];
  });
}

/** By its error alone: a payload may say anything. */
function readTrouble(msg: Uint8Array, recovered: string): Pick<TaskFacts, "type" | "trouble"> | undefined {
  try {
    const { type, errorMsg = "", retried } = decodeTaskMessage(msg, "the message of a task");
    if (errorMsg.includes(noHandler)) return { type, trouble: "no handler" };
    if (errorMsg === deadline) return { type, trouble: "deadline" };
    const [, count, at] = /^([1-9]\d*)@(\d+)$/.exec(recovered) ?? [];
    return count !== undefined && Number(at) === retried ? { type, trouble: "crashed" } : undefined;
  } catch {
    // What cannot be read is found by the invariants, and by whoever takes it.
    return undefined;
  }
}
