import type { Broker } from "../broker.ts";
import { leaseKey, queuePrefix } from "../keys.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, run } from "../script.ts";
import { containerOf, type TaskPlace } from "./list-tasks.ts";
import { decodeRawRows, mostOfLook, tellRows } from "./raw-rows.ts";
import type { RawTask } from "./stored-task.ts";

/** How far a walk has come: of a list its place from the left, of a sorted set the last that was met. */
export interface ScanCursor {
  readonly start: number;
  readonly afterId: string;
  /** As Redis printed it. */
  readonly afterScore: string;
}

export const scanStart: ScanCursor = { start: 0, afterId: "", afterScore: "" };

/** One look of a walk. */
export interface ScanPage {
  readonly found: readonly RawTask[];
  /** Where in `pending` each stands, from the left. */
  readonly places: ReadonlyMap<string, number>;
  /** Absent at the end. */
  readonly next: ScanCursor | undefined;
}

/**
 * The next tasks of a walk through a container. A sorted set goes on behind the last that was met, by its score and its id, wherever that is by
 * now: what stays where it is is met once, whatever comes and goes. A list is walked from its left, where ids come: one may be met twice.
 */
export const scanTasksScript = defineScript({
  name: "scan-tasks",
  effect: "read",
  keys: ["container", "lease"],
  args: { prefix: "text", state: "text", kind: "text", start: "text", after_id: "text", after_s: "text", count: "text", max_bytes: "text" },
  lua: /* lua */ `
    -- By bytes, as Redis orders ids; Lua's own order is that of a language.
    local function is_behind(id)
      for i = 1, math.min(#id, #after_id) do
        local a, b = string.byte(id, i), string.byte(after_id, i)
        if a ~= b then return a > b end
      end
      return #id > #after_id
    end
    local function rank_behind()
      if after_id == "" then return 0 end
      if redis.call("ZSCORE", container, after_id) == after_s then return redis.call("ZRANK", container, after_id) + 1 end
      local low, high = redis.call("ZCOUNT", container, "-inf", "(" .. after_s), redis.call("ZCOUNT", container, "-inf", after_s)
      while low < high do
        local middle = math.floor((low + high) / 2)
        if is_behind(redis.call("ZRANGE", container, middle, middle)[1]) then high = middle else low = middle + 1 end
      end
      return low
    end
    local ids, scores = {}, {}
    if kind == "list" then
      ids = redis.call("LRANGE", container, start, start + count - 1)
    else
      local rank = rank_behind()
      local found = redis.call("ZRANGE", container, rank, rank + count - 1, "WITHSCORES")
      for i = 1, #found, 2 do ids[#ids + 1], scores[#scores + 1] = found[i], found[i + 1] end
    end
    ${tellRows}
  `,
  decode: decodeRawRows,
});

/**
 * One look of a walk through the tasks of a place. Reads only.
 * @throws {InvalidOptionError} before any I/O
 * @throws {RedisError}
 */
export async function scanTasks(
  broker: Broker,
  queue: string,
  place: TaskPlace,
  { start, afterId, afterScore }: ScanCursor,
  options: SendOptions = {},
): Promise<ScanPage> {
  const { key, kind } = containerOf(queue, place);
  const { found, rows } = await run(
    broker,
    bind(scanTasksScript, {
      queue,
      keys: { container: key, lease: leaseKey(queue) },
      args: {
        prefix: queuePrefix(queue),
        state: place.state,
        kind,
        start,
        after_id: afterId,
        after_s: afterScore,
        count: mostOfLook.tasks,
        max_bytes: mostOfLook.bytes,
      },
    }),
    options,
  );
  const last = rows.at(-1);
  const isEnd = last === undefined || (rows.length === found && found < mostOfLook.tasks);
  return {
    found: rows.map(({ printed: _, ...row }) => ({ ...row, state: place.state })),
    places: new Map(place.state === "pending" ? rows.map(({ id }, i) => [id, start + i]) : []),
    next: isEnd ? undefined : { start: start + rows.length, afterId: last.id, afterScore: last.printed },
  };
}
