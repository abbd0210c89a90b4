import { enqueueOne } from "../broker/enqueue-lua.ts";
import { containers } from "../lua/containers.ts";
import { defineScript } from "../script.ts";
import { decodeVerdicts } from "../verdicts.ts";

/**
 * `enqueued`; or with the slot decided and no task made: `moved` (there was none to make), `overlapping`, `task-id-conflict`, `duplicate-task`.
 * Or, with nothing of it decided: `recreated` a claim that was lost, from now on; `missing`; `claimed` by somebody else; `sealed`: the entry
 * was changed since it was read, or its claim is not opened yet; `wrong-kind` of key, the claim's or that of the task's group.
 */
export type SlotVerdict =
  | "enqueued"
  | "moved"
  | "overlapping"
  | "task-id-conflict"
  | "duplicate-task"
  | "recreated"
  | "missing"
  | "claimed"
  | "sealed"
  | "wrong-kind";

/**
 * none -> pending | scheduled | aggregating, and the slot is decided, in one step: whoever comes with the same slot finds it so, also when
 * the task is done and gone. One after the other: of several slots of an entry each names the one before.
 *
 * `from` is the slot the claim must be at: `*` any, and nothing where it was missing. `slot` is the one it moves to: nothing where it stays.
 */
export const claimSlotsScript = defineScript({
  name: "claim-slots",
  effect: "record",
  keys: ["pending", "scheduled", "groups"],
  args: { prefix: "text", now_s: "text", now_ns: "text" },
  each: {
    entry: "text",
    epoch: "text",
    from: "text",
    slot: "text",
    overlap: "text",
    id: "text",
    msg: "bytes",
    process_at_s: "text",
    group: "text",
    lock: "text",
    lock_ttl_s: "text",
  },
  lua: /* lua */ `
    ${containers}
    if is_wrong("list", pending) or is_wrong("zset", scheduled) or is_wrong("set", groups) then return wrong_container() end
    local under_way = { pending = true, active = true, scheduled = true, retry = true, aggregating = true }
    local function overlaps(ran)
      return ran and under_way[redis.pcall("HGET", prefix .. "t:" .. ran, "state")]
    end

    local verdicts = {}
    for_each_item(entry, epoch, from, slot, overlap, id, msg, process_at_s, group, lock, lock_ttl_s) do
      local claim = prefix .. "js:cron:" .. entry
      local fields = redis.pcall("HMGET", claim, "slot", "epoch", "sealed", "ran")
      local verdict
      if fields.err then
        verdict = "w"
      elseif not fields[2] and from ~= "" then
        verdict = "m"
      elseif not fields[2] then
        redis.call("HSET", claim, "slot", now_s, "epoch", epoch)
        verdict = "l"
      elseif fields[3] or fields[2] ~= epoch then
        verdict = "z"
      elseif from ~= "*" and fields[1] ~= from then
        verdict = "x"
      elseif group ~= "" and is_wrong("zset", prefix .. "g:" .. group) then
        -- One entry's own: it holds up no other of the queue.
        verdict = "w"
      else
        if slot ~= "" then redis.call("HSET", claim, "slot", slot) end
        if id == "" then
          verdict = "s"
        elseif overlap == "skip" and overlaps(fields[4]) then
          verdict = "o"
        else
          ${enqueueOne}
          if verdict == "e" then redis.call("HSET", claim, "ran", id, "ranAt", now_s) end
        end
      end
      verdicts[item] = verdict
    end
    return remember(table.concat(verdicts))
  `,
  decode: decodeVerdicts<SlotVerdict>({
    e: "enqueued",
    s: "moved",
    o: "overlapping",
    c: "task-id-conflict",
    d: "duplicate-task",
    l: "recreated",
    m: "missing",
    x: "claimed",
    z: "sealed",
    w: "wrong-kind",
  }),
});
