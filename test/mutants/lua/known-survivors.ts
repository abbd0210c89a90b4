import type { ToldMutant } from "./all-mutants.ts";

/** A mutant that means the same. `before` and `after` are the line it changes. */
export interface KnownSurvivor {
  readonly chunk: string;
  readonly before: string;
  readonly after: string;
  /** `same`: what it does otherwise nobody looks at; `costs`: it only takes longer; `never`: what would show it does not come about. */
  readonly kind: "same" | "costs" | "never";
  /** Why nobody can see a difference. */
  readonly why: string;
}

export const knownSurvivors: readonly KnownSurvivor[] = [
  {
    chunk: "bytesPrelude",
    before: "known[pair] = byte",
    after: "",
    kind: "costs",
    why: "each pair of bytes is worked out anew",
  },
  {
    chunk: "bytesPrelude",
    before: "local byte = known[pair] or string.char(string.byte(pair) % 4 * 64 + string.byte(pair, 2) % 64)",
    after: "local byte = string.char(string.byte(pair) % 4 * 64 + string.byte(pair, 2) % 64)",
    kind: "costs",
    why: "each pair of bytes is worked out anew",
  },
  {
    chunk: "callRecord",
    before: "elseif recorded_seq and tonumber(recorded_seq) > tonumber(seq) then",
    after: "elseif recorded_seq and tonumber(recorded_seq) >= tonumber(seq) then",
    kind: "never",
    why: "both count calls and are written alike: equal ones went the other way two lines before",
  },
  {
    chunk: "callRecord",
    before: 'local replayed, recorded_seq = false, string.match(redis.call("GETRANGE", call, 0, 16), "^(%d+):")',
    after: 'local replayed, recorded_seq = false, string.match(redis.call("GETRANGE", call, 0, 17), "^(%d+):")',
    kind: "same",
    why: "a byte behind the number and its colon is read for nothing",
  },
  {
    chunk: "delete-aggregated",
    before: 'local set_key = redis.call("ZRANGE", aggregated, 0, 0)[1]',
    after: 'local set_key = redis.call("ZRANGE", aggregated, 0, 1)[1]',
    kind: "same",
    why: "the first of two is the first",
  },
  {
    chunk: "deleteTasks",
    before: 'if lock and redis.pcall("GET", lock) == id then redis.call("DEL", lock) end',
    after: 'if (redis.pcall("GET", lock) == id) then redis.call("DEL", lock) end',
    kind: "same",
    why: "Redis refuses `false` as a key, and a refusal is no id",
  },
  {
    chunk: "takeTasks",
    before:
      'local is_tree = (count > 8 or held <= 32 and held + count > 32) and command("ZADD", lease, "NX", 0, "-----------------------------------------------------------------") == 1',
    after:
      'local is_tree = (count > 8 or held <= 32 and held + count > 32) and command("ZADD", lease, "NX", 1, "-----------------------------------------------------------------") == 1',
    kind: "same",
    why: "it is gone again before anybody reads its score",
  },
  {
    chunk: "tellTakenAgain",
    before: "length = (#replayed + 1 - at) / alike",
    after: "length = (#replayed + 2 - at) / alike",
    kind: "same",
    why: "the surplus is less than a byte until the last id, behind which there is nothing",
  },
  {
    chunk: "beforeTaking",
    before: "local lengths, alike, length = {}, 0, nil",
    after: "local lengths, alike, length = {}, 1, nil",
    kind: "same",
    why: "the first id begins a run",
  },
  {
    chunk: "takeTasks",
    before: 'taken[replied], since[replied] = id, fields[3] or ""',
    after: 'taken[replied], since[replied] = id, fields[3] or "?"',
    kind: "same",
    why: "who reads it takes all that is no number for not known",
  },
  {
    chunk: "takeTasks",
    before: "if #id ~= length then",
    after: "if true then",
    kind: "costs",
    why: "each id is written down as a run of its own",
  },
  {
    chunk: "takeTasks",
    before: "alike = alike + 1",
    after: "alike = alike - 1",
    kind: "same",
    why: "only digits are read of it",
  },
  {
    chunk: "tellTaken",
    before: 'if popped > replied or suspect_at > 0 then dropped = dangling .. "," .. put_off .. "," .. suspect_at .. ";" end',
    after: 'if true then dropped = dangling .. "," .. put_off .. "," .. suspect_at .. ";" end',
    kind: "costs",
    why: "three numbers that are 0 are made text",
  },
  {
    chunk: "tellTaken",
    before: 'if popped > replied or suspect_at > 0 then dropped = dangling .. "," .. put_off .. "," .. suspect_at .. ";" end',
    after: 'if popped >= replied or suspect_at > 0 then dropped = dangling .. "," .. put_off .. "," .. suspect_at .. ";" end',
    kind: "costs",
    why: "three numbers that are 0 are made text",
  },
  {
    chunk: "tellTaken",
    before: 'if popped > replied or suspect_at > 0 then dropped = dangling .. "," .. put_off .. "," .. suspect_at .. ";" end',
    after: 'if popped > replied or suspect_at >= 0 then dropped = dangling .. "," .. put_off .. "," .. suspect_at .. ";" end',
    kind: "costs",
    why: "three numbers that are 0 are made text",
  },
  {
    chunk: "enqueue",
    before: "local id, msg, process_at_s, group, lock, lock_ttl_s = unpack(ARGV, at, at + 5)",
    after: "local id, msg, process_at_s, group, lock, lock_ttl_s = unpack(ARGV, at, at + 6)",
    kind: "same",
    why: "a value more than there are names is dropped",
  },
  {
    chunk: "isHome",
    before: 'for _, set in ipairs(not is_wrong("zset", index) and redis.call("ZRANGE", index, 0, -1) or {}) do',
    after: 'for _, set in ipairs(not is_wrong("zset", index) and redis.call("ZREVRANGE", index, 0, -1) or {}) do',
    kind: "same",
    why: "any of the sets that has the task will do, in whatever order they are asked",
  },
  {
    chunk: "leave-quarantine",
    before: 'if lock and redis.pcall("GET", lock) == id then redis.call("DEL", lock) end',
    after: 'if (redis.pcall("GET", lock) == id) then redis.call("DEL", lock) end',
    kind: "same",
    why: "Redis refuses `false` as a key, and a refusal is no id",
  },
  {
    chunk: "read-queue-stats",
    before: 'local since = oldest and redis.call("HGET", prefix .. "t:" .. oldest, "pending_since") or ""',
    after: 'local since = oldest and redis.call("HGET", prefix .. "t:" .. oldest, "pending_since") or "?"',
    kind: "same",
    why: "who reads it takes all that is no number for not known",
  },
  {
    chunk: "repair-keys",
    before: 'local of_member = redis.pcall("HGET", prefix .. "t:" .. redis.call("ZRANGE", key, 0, 0)[1], "group")',
    after: 'local of_member = redis.pcall("HGET", prefix .. "t:" .. redis.call("ZRANGE", key, 0, 1)[1], "group")',
    kind: "same",
    why: "the first of two is the first",
  },
  {
    chunk: "repair-queue",
    before: 'local at, start, walked_s = string.match(redis.call("GET", cursor) or "", "^(%d+):(%d+):?(%d*)$")',
    after: 'local at, start, walked_s = string.match(redis.call("GET", cursor) or "?", "^(%d+):(%d+):?(%d*)$")',
    kind: "same",
    why: "neither text has the form of a place",
  },
  {
    chunk: "repair-queue",
    before: 'return redis.call("LPOS", active, id, "RANK", -1)',
    after: 'return redis.call("LPOS", active, id, "RANK", 1)',
    kind: "costs",
    why: "a list is gone through from its other end; asked is only whether the id is in it",
  },
  {
    chunk: "settleTasks",
    before: "if scores[looked_at] ~= score then",
    after: "if true then",
    kind: "costs",
    why: "the same score belongs to the same",
  },
  {
    chunk: "settleTasks",
    before: 'gone[id] = is_done and "done" or "moved"',
    after: 'gone[id] = is_done and "done" or ""',
    kind: "same",
    why: "any text but one says that it is gone and that nothing is left to do",
  },
  {
    chunk: "settleTasks",
    before: 'local holds_lock = lock and attempt("GET", lock) == id',
    after: 'local holds_lock = (attempt("GET", lock) == id)',
    kind: "same",
    why: "Redis refuses nothing and `false` as a key, and a refusal is no id",
  },
  {
    chunk: "settleTasks",
    before: 'if done_count > 8 and gone[command("LINDEX", active, -1)] == "done" then',
    after: 'if done_count > 9 and gone[command("LINDEX", active, -1)] == "done" then',
    kind: "costs",
    why: "one by one they go too",
  },
  {
    chunk: "settleTasks",
    before: 'gone[tail[left]] = "moved"',
    after: 'gone[tail[left]] = ""',
    kind: "same",
    why: "any text but one says that nothing is left to do",
  },
  {
    chunk: "settleTasks",
    before: "for nth = 1, settled_count do",
    after: "for nth = 0, settled_count do",
    kind: "same",
    why: "before the first there is nothing",
  },
  {
    chunk: "settleTasks",
    before: 'if done_count > 8 and gone[command("LINDEX", active, -1)] == "done" then …',
    after: "",
    kind: "costs",
    why: "what does not go at once goes one by one",
  },
  {
    chunk: "settleTasks",
    before: 'if done_count > 8 and gone[command("LINDEX", active, -1)] == "done" then',
    after: "if (done_count > 8) then",
    kind: "costs",
    why: "what does not go at once goes one by one",
  },
  {
    chunk: "settleTasks",
    before: 'if done_count > 8 and gone[command("LINDEX", active, -1)] == "done" then',
    after: 'if (gone[command("LINDEX", active, -1)] == "done") then',
    kind: "costs",
    why: "what does not go at once goes one by one",
  },
  {
    chunk: "settleTasks",
    before: 'if done_count > 8 and gone[command("LINDEX", active, -1)] == "done" then',
    after: 'if done_count >= 8 and gone[command("LINDEX", active, -1)] == "done" then',
    kind: "costs",
    why: "what does not go at once goes one by one",
  },
  {
    chunk: "settleTasks",
    before: 'if done_count > 8 and gone[command("LINDEX", active, -1)] == "done" then',
    after: 'if done_count <= 8 and gone[command("LINDEX", active, -1)] == "done" then',
    kind: "costs",
    why: "what does not go at once goes one by one",
  },
  {
    chunk: "settleTasks",
    before: 'if done_count > 8 and gone[command("LINDEX", active, -1)] == "done" then',
    after: 'if done_count > 7 and gone[command("LINDEX", active, -1)] == "done" then',
    kind: "costs",
    why: "what does not go at once goes one by one",
  },
  {
    chunk: "settleTasks",
    before: 'if done_count > 8 and gone[command("LINDEX", active, -1)] == "done" then',
    after: 'if done_count > 8 or gone[command("LINDEX", active, -1)] == "done" then',
    kind: "costs",
    why: "what does not go at once goes one by one",
  },
  {
    chunk: "settleTasks",
    before: 'if done_count > 8 and gone[command("LINDEX", active, -1)] == "done" then',
    after: 'if done_count > 8 and gone[command("LINDEX", active, 1)] == "done" then',
    kind: "costs",
    why: "what does not go at once goes one by one",
  },
  {
    chunk: "settleTasks",
    before: 'if done_count > 8 and gone[command("LINDEX", active, -1)] == "done" then',
    after: 'if done_count > 8 and gone[command("LINDEX", active, -2)] == "done" then',
    kind: "costs",
    why: "what does not go at once goes one by one",
  },
  {
    chunk: "settleTasks",
    before: 'if done_count > 8 and gone[command("LINDEX", active, -1)] == "done" then',
    after: 'if done_count > 8 and gone[command("LINDEX", active, -0)] == "done" then',
    kind: "costs",
    why: "what does not go at once goes one by one",
  },
  {
    chunk: "settleTasks",
    before: 'if done_count > 8 and gone[command("LINDEX", active, -1)] == "done" then',
    after: 'if done_count > 8 and gone[command("LINDEX", active, -1)] ~= "done" then',
    kind: "costs",
    why: "what does not go at once goes one by one",
  },
  {
    chunk: "settleTasks",
    before: 'if done_count > 8 and gone[command("LINDEX", active, -1)] == "done" then',
    after: 'if done_count > 8 and gone[command("LINDEX", active, -1)] == "" then',
    kind: "costs",
    why: "what does not go at once goes one by one",
  },
  {
    chunk: "settleTasks",
    before: 'local tail = command("LRANGE", active, -done_count, -1)',
    after: 'local tail = command("LRANGE", active, done_count, -1)',
    kind: "costs",
    why: "what does not go at once goes one by one",
  },
  {
    chunk: "settleTasks",
    before: 'while gone[tail[left]] == "done" do …',
    after: "",
    kind: "costs",
    why: "what does not go at once goes one by one",
  },
  {
    chunk: "settleTasks",
    before: 'while gone[tail[left]] == "done" do',
    after: 'while gone[tail[left]] ~= "done" do',
    kind: "costs",
    why: "what does not go at once goes one by one",
  },
  {
    chunk: "settleTasks",
    before: 'while gone[tail[left]] == "done" do',
    after: 'while gone[tail[left]] == "" do',
    kind: "costs",
    why: "what does not go at once goes one by one",
  },
  {
    chunk: "sizeOf",
    before: 'if not string.find(size.err, "WRONGTYPE", 1, true) then redis.call(ask, key) end',
    after: 'if not string.find(size.err, "WRONGTYPE", 1, false) then redis.call(ask, key) end',
    kind: "same",
    why: "nothing in it is a pattern",
  },
  {
    chunk: "write-log",
    before: 'local _, lines = string.gsub(text, \'"ts":\', "")',
    after: 'local _, lines = string.gsub(text, \'"ts":\', "?")',
    kind: "same",
    why: "only how often something was replaced is looked at",
  },
];

/** Whether a mutant is the one that is known. */
export function isOf(mutant: ToldMutant, known: KnownSurvivor): boolean {
  return mutant.chunk === known.chunk && mutant.before === known.before && mutant.after === known.after;
}
