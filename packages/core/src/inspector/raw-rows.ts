/** What a look at the tasks of a place answers: the same of a page and of a walk. @module */
import { decodeBytes, decodeCount, decodeList, decodeOptional, decodeRows, decodeScore } from "../decode-reply.ts";
import type { Reply } from "../redis.ts";
import { decodeText } from "../verdicts.ts";
import type { RawTask } from "./stored-task.ts";

/** A look stops at so many tasks, or bytes of messages and results. */
export const mostOfLook = { tasks: 250, bytes: 1024 * 1024 };

/** Answers how many `ids` there are, and of each, until `max_bytes` are read, what is shown of it; an active task's score is that of its lease. */
export const tellRows: string = /* lua */ `
    local bytes_left = tonumber(max_bytes)
    local reply = { #ids }
    for i, id in ipairs(ids) do
      if bytes_left <= 0 then break end
      local fields = redis.pcall("HMGET", prefix .. "t:" .. id, "msg", "result")
      reply[#reply + 1] = id
      reply[#reply + 1] = state == "active" and redis.call("ZSCORE", lease, id) or scores[i] or false
      reply[#reply + 1] = fields[1] or false
      reply[#reply + 1] = fields[2] or false
      bytes_left = bytes_left - #(fields[1] or "") - #(fields[2] or "")
    end
    return reply
`;

export interface RawRows {
  /** How many there are, with those that were not read. */
  readonly found: number;
  /** Their state is that of the place; `printed` is the score as Redis prints it, empty where there is none. */
  readonly rows: readonly (Omit<RawTask, "state"> & { readonly printed: string })[];
}

/** Reads what {@link tellRows} answers. */
export function decodeRawRows(reply: Reply): RawRows {
  const [found = null, ...words] = decodeList(reply);
  const rows = decodeRows(words, 4).map(([id, score, msg, result]) => ({
    id: decodeText(id!),
    printed: decodeOptional(score!, decodeText) ?? "",
    score: decodeOptional(score!, decodeScore) ?? 0,
    msg: decodeOptional(msg!, decodeBytes),
    result: decodeOptional(result!, decodeBytes),
  }));
  return { found: decodeCount(found), rows };
}
