import type { Broker } from "../broker.ts";
import { LeaseLostError } from "../errors.ts";
import { leaseKey, taskKey } from "../keys.ts";
import { containers } from "../lua/containers.ts";
import { owns } from "../lua/owns.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, runAll } from "../script.ts";
import { shortText } from "../short-text.ts";
import { type CallBounds, splitCalls } from "../split-calls.ts";
import { decodeVerdicts } from "../verdicts.ts";
import type { HeldTask } from "./extend-leases.ts";

/** One line of a task's log. JK-97/asynq: `LogEntry`. */
export interface LogLine {
  readonly message: string;
  readonly atMs: number;
}

/** A task's log holds at most so many lines and bytes of JSON; past either the oldest go, down to three quarters. */
export const maxLogLines = 1_000;
export const maxLogBytes: number = 64 * 1024;
/** A longer message is cut. */
export const maxLogMessageBytes = 4096;

/** Even when every byte of it is escaped, what a call brings fits into the log. */
const maxPerWriteLog: CallBounds = { items: 100, bytes: 16 * 1024 };

/**
 * Appends lines to the field `logs` of an active task, fenced by its lease: a JSON array of `{"msg", "ts"}`, as JK-97/asynq keeps it, but
 * bounded. It is read as JSON only when it is over a bound; the first line then says how many are gone, and counts them in `js:dropped`, which
 * that fork's Go code ignores and its script keeps. What stands there and is no such array is replaced.
 * @see JK-97/asynq internal/rdb/rdb.go, `WriteLog`, which writes without looking and without end
 */
export const writeLogScript = defineScript({
  name: "write-log",
  effect: "record",
  keys: ["lease", "task"],
  args: { id: "text", token: "text", max_lines: "text", max_bytes: "text" },
  each: { line: "text" },
  lua: /* lua */ `
    ${containers}
    ${owns}
    if is_wrong("zset", lease) or is_wrong("hash", task) then return wrong_container() end
    if not owns(redis.call("ZSCORE", lease, id), token) or redis.call("HEXISTS", task, "msg") == 0 then return remember("l") end
    max_lines, max_bytes = tonumber(max_lines), tonumber(max_bytes)

    local function has_too_many(text)
      local _, lines = string.gsub(text, '"ts":', "")
      return lines > max_lines
    end
    local function without_oldest(text)
      local entries = cjson.decode(text)
      local dropped = 0
      if tonumber(entries[1]["js:dropped"]) then dropped = table.remove(entries, 1)["js:dropped"] end
      local first, bytes, encoded = #entries + 1, 0, {}
      while first > 1 and #entries - first + 1 < max_lines * 3 / 4 do
        local entry = cjson.encode(entries[first - 1])
        bytes = bytes + #entry + 1
        if bytes > max_bytes * 3 / 4 then break end
        first = first - 1
        encoded[first] = entry
      end
      dropped = dropped + first - 1
      local last_dropped = type(entries[first - 1]) == "table" and entries[first - 1].ts or nil
      local note = cjson.encode({ msg = dropped .. " earlier lines were dropped", ts = last_dropped, ["js:dropped"] = dropped })
      return "[" .. note .. "," .. table.concat(encoded, ",", first, #entries) .. "]"
    end

    local added = {}
    for_each_item(line) do added[item] = line end
    local fresh = table.concat(added, ",") .. "]"
    local logs = redis.call("HGET", task, "logs")
    local kept = logs and string.match(logs, "^(%[{.*})%]$")
    local text = kept and kept .. "," .. fresh or "[" .. fresh
    if #text > max_bytes or has_too_many(text) then
      -- What somebody else wrote there may be no JSON, or none that can be written again.
      local is_json, shorter = pcall(without_oldest, text)
      text = is_json and shorter or "[" .. fresh
    end
    redis.call("HSET", task, "logs", text)
    return remember("w")
  `,
  // One for all lines.
  decode: (reply) => decodeWritten(reply, 1),
});

const decodeWritten = decodeVerdicts({ w: "written", l: "lease-lost" });

/**
 * Appends lines to the log of a task that is ours: give all there are at once, since each call writes the field anew inside Redis. It stays
 * as long as the task does: through retries, in the archive, with `retentionSec` past its completion.
 *
 * May be repeated: by the port, as the same call. Called again by you the lines are there twice.
 * @throws {LeaseLostError} the task belongs to someone else by now, or is settled: nothing more was written
 * @throws {RedisError}
 */
export async function writeLog(
  broker: Broker,
  { queue, id, token }: HeldTask,
  lines: readonly LogLine[],
  options: SendOptions = {},
): Promise<void> {
  const entries = lines.map(({ message, atMs }) =>
    JSON.stringify({ msg: shortText(message, maxLogMessageBytes), ts: new Date(atMs).toISOString() }),
  );
  const calls = splitCalls(entries, maxPerWriteLog, (entry) => entry.length).map((some) =>
    bind(writeLogScript, {
      queue,
      keys: { lease: leaseKey(queue), task: taskKey(queue, id) },
      args: { id, token, max_lines: maxLogLines, max_bytes: maxLogBytes },
      items: some.map((line) => ({ line })),
    }),
  );
  for (const { value, error } of await runAll(broker, calls, options)) {
    if (error !== undefined) throw error;
    if (value[0] !== "written") throw new LeaseLostError(queue, id);
  }
}
