import { deleteTasks } from "./delete-tasks.ts";
import { trimArchive } from "./trim-archive.ts";

/** What outcomes other than `done` need. */
export const ofOthers: string = /* lua */ `
local now_s, now_ns, cutoff_s, archive_cutoff_s, archive_max
`;

/**
 * Settles the tasks that `runs` tells of, each fenced by its lease, and says in `verdict` what became of them: a letter each, and how many
 * archived tasks were trimmed. Answers at once, with nothing written, where a container is of the wrong kind. Behind `words_before` words stand
 * those of the outcomes, as `settle` says. Needs `containers`, `sizeOf`, `ofOthers`, `owns`, `countTasks`.
 */
export const settleTasks: string = /* lua */ `
if not size_of("LLEN", active) then return wrong_container() end
if others ~= "" then
  now_s, now_ns, cutoff_s, archive_cutoff_s, archive_max = string.match(others, "(%S+) (%S+) (%S+) (%S+) (%S+)")
  local container = { c = completed, r = retry, v = retry, h = scheduled, a = archived, x = quarantine }
  for kind in string.gmatch(runs, "(%a)%d+:") do
    if container[kind] and is_wrong("zset", container[kind]) or kind == "q" and is_wrong("list", pending) then return wrong_container() end
  end
end

local words, next_word = ARGV, words_before + count
local scores = attempt("ZMSCORE", lease, unpack(words, words_before + 1, next_word))
if scores.err then return string.find(scores.err, "WRONGTYPE", 1, true) and wrong_container() or scores end
local task_prefix = prefix .. "t:"
local verdicts, gone, settled, doomed, archived_now = {}, {}, {}, {}, {}
local looked_at, done_count, settled_count, doomed_count, processed_count, failed_count = 0, 0, 0, 0, 0, 0
for kind, length, fence in string.gmatch(runs, "(%a)(%d+):([^;]*);") do
  local is_done = kind == "d" or kind == "u"
  local score, is_owned
  for _ = 1, length do
    looked_at = looked_at + 1
    local id, at_s, msg, lock, note = words[words_before + looked_at]
    if kind == "u" then
      lock = words[next_word + 1]
      next_word = next_word + 1
    elseif kind ~= "d" then
      at_s, msg, note = words[next_word + 1], bytes_of(words[next_word + 2]), words[next_word + 3]
      lock = kind == "c" and note ~= "" and note
      next_word = next_word + 3
    end
    -- Those of one dequeue have the same score, and numbers cost.
    if scores[looked_at] ~= score then
      score = scores[looked_at]
      is_owned = owns(score, fence)
    end
    if gone[id] or not is_owned then
      verdicts[looked_at] = "l"
    else
      gone[id] = is_done and "done" or "moved"
      settled_count = settled_count + 1
      settled[settled_count] = id
      local task = task_prefix .. id
      local holds_lock = lock and attempt("GET", lock) == id
      local stored = is_done and 1 or attempt("HEXISTS", task, "msg")

      if is_done then
        done_count = done_count + 1
      else
        command("LREM", active, "-1", id)
      end
      verdicts[looked_at] = stored == 1 and "s" or "d"
      if is_done or stored == 0 then
        doomed_count = doomed_count + 1
        doomed[doomed_count] = task
      end
      if not is_done and stored == 1 then
        if kind == "c" then
          command("ZADD", completed, at_s, id)
          command("HSET", task, "msg", msg, "state", "completed")
          processed_count = processed_count + 1
        elseif kind == "r" then
          command("ZADD", retry, at_s, id)
          command("HSET", task, "msg", msg, "state", "retry")
          if note == "1" then
            processed_count = processed_count + 1
            failed_count = failed_count + 1
          end
        elseif kind == "v" then
          command("ZADD", retry, at_s, id)
          command("HSET", task, "msg", msg, "state", "retry", "js:recovered", note)
        elseif kind == "h" then
          command("ZADD", scheduled, at_s, id)
          command("HSET", task, "msg", msg, "state", "scheduled", "js:handed_back", note)
        elseif kind == "a" then
          command("ZADD", archived, now_s, id)
          command("HSET", task, "msg", msg, "state", "archived")
          archived_now[id] = true
          processed_count = processed_count + 1
          failed_count = failed_count + 1
        elseif kind == "q" then
          command("RPUSH", pending, id)
          command("HSET", task, "state", "pending", "pending_since", now_ns)
        else
          command("ZADD", quarantine, now_s, id)
          command("HSET", task, "state", "js:quarantine", "js:from", "active", "js:why", note)
        end
        if kind == "c" or kind == "r" or kind == "a" then command("HDEL", task, "js:recovered", "js:handed_back") end
      end
      if holds_lock and stored == 1 then command("DEL", lock) end
    end
  end
end

-- What is done stands at the end of the list, where the oldest are, as long as all take the same time: that end goes at once.
if done_count > 8 and gone[command("LINDEX", active, -1)] == "done" then
  local tail = command("LRANGE", active, -done_count, -1)
  local left = #tail
  while gone[tail[left]] == "done" do
    gone[tail[left]] = "moved"
    left = left - 1
  end
  command("LTRIM", active, 0, left - #tail - 1)
end
for nth = 1, settled_count do
  if gone[settled[nth]] == "done" then command("LREM", active, "-1", settled[nth]) end
end
if settled_count > 0 then command("ZREM", lease, unpack(settled)) end
if doomed_count > 0 then command("DEL", unpack(doomed)) end
count_tasks(processed, processed_total, processed_count + done_count)
count_tasks(failed, failed_total, failed_count)
local trimmed = "0"
if next(archived_now) then
  ${deleteTasks}
  ${trimArchive}
  trimmed = trim_archive(archived_now, 1000)
end
local verdict = table.concat(verdicts) .. "," .. trimmed
`;
