import type { Broker } from "../broker.ts";
import { unixSec, within } from "../clock.ts";
import { decodeList, toCount } from "../decode-reply.ts";
import { activeKey, leaseKey, pausedKey, pendingKey, queuePrefix, scheduledKey } from "../keys.ts";
import { drawToken, leaseScore, leaseSec } from "../lease.ts";
import { owns } from "../lua/owns.ts";
import { sizeOf } from "../lua/size-of.ts";
import type { Reply, SendOptions } from "../redis.ts";
import { type BoundScript, bind, defineScript, run } from "../script.ts";
import { decodeText, unexpected } from "../verdicts.ts";

/** A call takes at most so many tasks, and looks at no more ids than that. */
export const maxDequeuePerCall = 100;
/** A call looks at so many queues, which holds Redis for a millisecond or two; of thousands it would be hundreds. */
export const maxQueuesPerCall = 250;

/** Longer than what Redis keeps in a small sorted set (64 bytes, unless it was told otherwise). */
const longMember = "-".repeat(65);

/** A task that is ours until its lease ends. */
export interface DequeuedTask {
  readonly queue: string;
  readonly id: string;
  /** The stored message, not yet read: what cannot be read is settled as `quarantine`. */
  readonly msg: Uint8Array;
  /** The fence of every later write. */
  readonly token: number;
  readonly leaseUntilSec: number;
  /** It was recovered from a lost worker before: perhaps it is what kills them. */
  readonly suspect: boolean;
  /** How long it was pending, milliseconds; not known of one that Go requeued or ran by hand, nor in a replayed answer. */
  readonly waitedMs: number | undefined;
}

export interface DequeueReport {
  readonly tasks: readonly DequeuedTask[];
  /** Ids whose hash was gone, no hash, or without message: dropped, never resurrected. */
  readonly dangling: number;
  /** Suspects (tasks that were recovered before) put off for a few seconds, since only one may run at a time. */
  readonly putOff: number;
  /** Queues left alone because a container of theirs holds the wrong kind of value. */
  readonly brokenQueues: readonly string[];
}

export interface DequeueOptions extends SendOptions {
  /** Whether one suspect may be among the tasks. Default true. */
  readonly suspect?: boolean;
  /**
   * On a Cluster, where a node may be away that others need not wait for: a queue that has not answered after so long is left to `onSilent`,
   * with what it answers later, and the next one is asked. Default: each is waited for.
   */
  readonly patienceMs?: number;
  readonly onSilent?: (queue: string, later: Promise<DequeueReport>) => void;
}

/**
 * pending -> active, many at once, over several queues in the order given. Moves by the id first, which Redis does not refuse when it is
 * full; all that could fail was looked at before. Its record keeps the ids, so that a replay answers the same tasks while they are still
 * held by this token.
 *
 * In Lua a string costs by its length each time one is made, and a number made into text as much as a command: so what is joined is joined
 * once, and the wait of a task is left to who reads it.
 * @see Asynq internal/rdb/rdb.go, `dequeueCmd`
 */
export const dequeueScript = defineScript({
  name: "dequeue",
  effect: "record-in-body",
  allowOom: true,
  keys: [],
  args: { limit: "text", token: "text", lease_score: "text", suspects: "text", put_off_s: "text", put_off_turn: "text" },
  eachKeys: ["pending", "paused", "active", "lease", "scheduled"],
  each: { prefix: "text" },
  lua: /* lua */ `
    local command, attempt = redis.call, redis.pcall
    ${sizeOf}
    local function is_suspect(recovered)
      return recovered and string.find(recovered, "^[1-9]") ~= nil
    end
    -- First of all goes the head, which is known last.
    local reply, replied, suspect_at = {}, 0, 0

    if replayed then
      ${owns}
      local lease_of, prefix_of = {}, {}
      for_each_item(lease, prefix) do
        lease_of[item], prefix_of[item] = lease, prefix
      end
      local dropped, counts, lengths, at = string.match(replayed, "^(%d+,%d+,)%d+;([^;]*);([^;]*);()")
      local next_length, alike, length = string.gmatch(lengths, "(%d+)x(%d+)"), 0, nil
      if lengths == "" then
        for count in string.gmatch(counts, "%d+") do alike = alike + count end
        length = (#replayed + 1 - at) / alike
      end
      local still = {}
      for count in string.gmatch(counts, "[^,]+") do
        local i = #still + 1
        still[i] = count == "x" and "x" or 0
        for _ = 1, tonumber(count) or 0 do
          if alike == 0 then alike, length = next_length() end
          alike = alike - 1
          local id = string.sub(replayed, at, at + length - 1)
          at = at + length
          local score = command("ZSCORE", lease_of[i], id)
          local fields = owns(score, token) and attempt("HMGET", prefix_of[i] .. "t:" .. id, "msg", "js:recovered")
          if fields and fields[1] then
            replied = replied + 1
            reply[2 * replied], reply[2 * replied + 1] = id, fields[1]
            if is_suspect(fields[2]) then suspect_at = replied end
            still[i] = still[i] + 1
          end
        end
      end
      reply[1] = dropped .. suspect_at .. ";" .. table.concat(still, ",") .. ";"
      return reply
    end

    local left, looks = tonumber(limit), 100
    local may_suspect = suspects == "1"
    local dangling, put_off, popped = 0, 0, 0
    local taken, leases, since, counts = {}, {}, {}, {}
    local lengths, alike, length = {}, 0, nil
    for_each_item(pending, paused, active, lease, scheduled, prefix) do
      local held = size_of("ZCARD", lease)
      if not (held and size_of("ZCARD", scheduled) and size_of("LLEN", pending) and size_of("LLEN", active)) then
        counts[item] = "x"
      elseif command("EXISTS", paused) == 1 then
        counts[item] = 0
      else
        local task_prefix, before = prefix .. "t:", replied
        while left > 0 and looks > 0 do
          local ids = command("RPOP", pending, math.min(left, looks))
          if not ids then break end
          looks = looks - #ids
          popped = popped + #ids
          for nth = 1, #ids do
            local id = ids[nth]
            local task = task_prefix .. id
            local fields = attempt("HMGET", task, "msg", "js:recovered", "pending_since")
            local msg, suspect = fields[1], is_suspect(fields[2])
            if not msg then
              if not fields.err then command("DEL", task) end
              dangling = dangling + 1
            elseif suspect and not may_suspect then
              -- One after the other: they would only meet again.
              command("ZADD", scheduled, put_off_s + (put_off_turn + put_off) % 5, id)
              command("HSET", task, "state", "scheduled")
              command("HDEL", task, "pending_since")
              put_off = put_off + 1
            else
              command("HSET", task, "state", "active")
              command("HDEL", task, "pending_since")
              replied = replied + 1
              if suspect then
                may_suspect = false
                suspect_at = replied
              end
              reply[2 * replied], reply[2 * replied + 1] = id, msg
              leases[2 * replied - 1], leases[2 * replied] = lease_score, id
              taken[replied], since[replied] = id, fields[3] or ""
              if #id ~= length then
                if length then lengths[#lengths + 1] = alike .. "x" .. length end
                alike, length = 0, #id
              end
              alike = alike + 1
              left = left - 1
            end
          end
        end
        local count = replied - before
        if count > 0 then
          command("LPUSH", active, unpack(taken, before + 1, replied))
          -- Redis keeps a small set as a list, and reads half of its scores, which are text there, to find the place of one. A member too
          -- long for such a list makes it a tree, which it stays until it is empty.
          local is_tree = (count > 8 or held <= 32 and held + count > 32) and command("ZADD", lease, "NX", 0, "${longMember}") == 1
          command("ZADD", lease, unpack(leases, 2 * before + 1, 2 * replied))
          if is_tree then command("ZREM", lease, "${longMember}") end
        end
        counts[item] = count
      end
    end
    -- Ids that are all as long as each other tell by themselves how long.
    if lengths[1] then lengths[#lengths + 1] = alike .. "x" .. length end
    local dropped = "0,0,0;"
    if popped > replied or suspect_at > 0 then dropped = dangling .. "," .. put_off .. "," .. suspect_at .. ";" end
    local head = dropped .. table.concat(counts, ",") .. ";"
    if popped > 0 then
      taken[0] = seq .. ":" .. head .. table.concat(lengths, ",") .. ";"
      command("SET", call, table.concat(taken, "", 0, replied), "EX", window_s)
    end
    reply[1] = head .. table.concat(since, ",")
    return reply
  `,
  decode: decodeDequeued,
});

/**
 * Takes up to `limit` ready tasks (at most 100) from the queues, in the order given: all of the first before any of the second. In one call,
 * but for more than 250 queues; where the port is a Cluster each queue is a call of its own.
 *
 * May be repeated: by the port, as the same call; a replay answers the tasks that are still held by this call's token.
 * @throws {RedisError}
 */
export async function dequeue(
  broker: Broker,
  queues: readonly string[],
  limit: number,
  { suspect = true, patienceMs, onSilent, ...send }: DequeueOptions = {},
): Promise<DequeueReport> {
  const { cluster } = await broker.redis.features();
  const patient = !cluster || patienceMs === undefined || onSilent === undefined;
  const reports: DequeueReport[] = [];
  let left = Math.min(limit, maxDequeuePerCall);
  let maySuspect = suspect;
  const perCall = cluster ? 1 : maxQueuesPerCall;
  for (let at = 0; at < queues.length && left > 0; at += perCall) {
    const some = queues.slice(at, at + perCall);
    try {
      const asked = dequeueFrom(broker, some, left, maySuspect, send);
      const report = patient ? await asked : await within(broker.clock, patienceMs, undefined, asked);
      if (report === undefined) {
        onSilent!(some[0]!, asked);
        continue;
      }
      left -= report.tasks.length;
      maySuspect &&= !report.tasks.some((task) => task.suspect);
      reports.push(report);
    } catch (error) {
      // What was taken before is ours and must reach the caller; the next fetch meets the same trouble and says so.
      if (left === Math.min(limit, maxDequeuePerCall)) throw error;
      break;
    }
  }
  return {
    tasks: reports.flatMap(({ tasks }) => tasks),
    dangling: reports.reduce((sum, { dangling }) => sum + dangling, 0),
    putOff: reports.reduce((sum, { putOff }) => sum + putOff, 0),
    brokenQueues: reports.flatMap(({ brokenQueues }) => brokenQueues),
  };
}

async function dequeueFrom(
  broker: Broker,
  queues: readonly string[],
  limit: number,
  suspect: boolean,
  send: SendOptions,
): Promise<DequeueReport> {
  const { script, read } = bindDequeue(broker, queues, limit, suspect);
  return read(await run(broker, script, send));
}

/** One call for up to 100 tasks of up to 250 queues, ready to be sent, and what its answer means. */
export function bindDequeue(
  broker: Broker,
  queues: readonly string[],
  limit: number,
  suspect: boolean,
): { readonly script: BoundScript<DequeueReply>; readonly read: (reply: DequeueReply) => DequeueReport } {
  const nowMs = broker.clock.nowMs();
  const token = drawToken(broker.random);
  const leaseUntilSec = unixSec(nowMs) + leaseSec;
  const script = bind(dequeueScript, {
    queue: queues[0]!,
    keys: {},
    args: {
      limit,
      token,
      lease_score: leaseScore(leaseUntilSec, token),
      suspects: suspect ? 1 : 0,
      put_off_s: unixSec(nowMs) + 1,
      put_off_turn: Math.floor(broker.random.float() * 5),
    },
    items: queues.map((queue) => ({
      pending: pendingKey(queue),
      paused: pausedKey(queue),
      active: activeKey(queue),
      lease: leaseKey(queue),
      scheduled: scheduledKey(queue),
      prefix: queuePrefix(queue),
    })),
  });
  const read = ({ words, counts, suspectAt, since, dangling, putOff }: DequeueReply): DequeueReport => {
    const tasks: DequeuedTask[] = [];
    const brokenQueues: string[] = [];
    for (const [i, queue] of queues.entries()) {
      const count = counts[i];
      if (count === undefined) brokenQueues.push(queue);
      for (let left = count ?? 0; left > 0; left--) {
        const nth = tasks.length;
        tasks.push({
          queue,
          id: decodeText(words[2 * nth + 1]!),
          msg: words[2 * nth + 2] as Uint8Array,
          token,
          leaseUntilSec,
          suspect: nth + 1 === suspectAt,
          waitedMs: waited(since[nth], nowMs),
        });
      }
    }
    return { tasks, dangling, putOff, brokenQueues };
  };
  return { script, read };
}

/** What the script answers. */
export interface DequeueReply {
  readonly dangling: number;
  readonly putOff: number;
  /** Which task is the suspect, from 1; 0 is none. */
  readonly suspectAt: number;
  /** Tasks per queue; `undefined` for a broken one. */
  readonly counts: readonly (number | undefined)[];
  /** After the head id and message of each task, all of them strings. */
  readonly words: readonly Reply[];
  /** `pending_since` of each task; nothing at all in a replay, or where one of them holds a comma. */
  readonly since: readonly string[];
}

/** `<dangling>,<put off>,<which is the suspect>;<count of each queue, or x>;<pending_since of each task>`, then id and message of each task. */
function decodeDequeued(reply: Reply, queues: number): DequeueReply {
  const words = decodeList(reply);
  const [, dropped, counted, joined] = /^(\d+,\d+,\d+);([^;]*);(.*)$/s.exec(decodeText(words[0] ?? null)) ?? unexpected();
  const [dangling, putOff, suspectAt] = dropped!.split(",").map(toCount) as [number, number, number];
  const counts = counted!.split(",").map((count) => (count === "x" ? undefined : toCount(count)));
  const taken = counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
  if (counts.length !== queues || words.length !== 1 + 2 * taken || !words.every((word) => word instanceof Uint8Array)) unexpected();
  const since = joined!.split(",");
  return { dangling, putOff, suspectAt, counts, words, since: since.length === taken ? since : [] };
}

/** Anybody may have written since when a task is pending: what is no number is not known, and later than now is now. */
function waited(sinceNs = "", nowMs: number): number | undefined {
  return /^\d{1,19}$/.test(sinceNs) ? Math.max(0, Math.round(Math.floor(nowMs) - Number(sinceNs) / 1e6)) : undefined;
}
