import type { Broker } from "../broker.ts";
import { unixSec, within } from "../clock.ts";
import { decodeBytes, decodeList, decodeRows, toCount } from "../decode-reply.ts";
import { activeKey, leaseKey, pausedKey, pendingKey, queuePrefix, scheduledKey } from "../keys.ts";
import { drawToken, leaseScore, leaseSec } from "../lease.ts";
import { containers } from "../lua/containers.ts";
import { owns } from "../lua/owns.ts";
import type { Reply, SendOptions } from "../redis.ts";
import { type BoundScript, bind, defineScript, run } from "../script.ts";
import { decodeText, unexpected } from "../verdicts.ts";

/** A call takes at most so many tasks, and looks at no more ids than that. */
export const maxDequeuePerCall = 100;
/** A call looks at so many queues, which holds Redis for a millisecond or two; of thousands it would be hundreds. */
export const maxQueuesPerCall = 250;

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
 * @see Asynq internal/rdb/rdb.go, `dequeueCmd`
 */
export const dequeueScript = defineScript({
  name: "dequeue",
  effect: "record-in-body",
  allowOom: true,
  keys: [],
  args: { limit: "text", token: "text", lease_score: "text", suspects: "text", put_off_s: "text", put_off_turn: "text", now_ms: "text" },
  eachKeys: ["pending", "paused", "active", "lease", "scheduled"],
  each: { prefix: "text" },
  lua: /* lua */ `
    local reply = {}
    ${containers}
    ${owns}
    local function is_suspect(recovered)
      return recovered and string.find(recovered, "^[1-9]") ~= nil
    end
    local suspect_at = 0

    if replayed then
      local lease_of, prefix_of = {}, {}
      for_each_item(lease, prefix) do
        lease_of[item], prefix_of[item] = lease, prefix
      end
      local dropped, counts, at = string.match(replayed, "^(%d+,%d+,)%d+;([^;]*);\\n()")
      local still = {}
      for count in string.gmatch(counts, "[^,]+") do
        local i = #still + 1
        still[i] = count == "x" and "x" or 0
        for _ = 1, tonumber(count) or 0 do
          local length, from = string.match(replayed, "^(%d+):()", at)
          at = from + length
          local id = string.sub(replayed, from, at - 1)
          local score = redis.call("ZSCORE", lease_of[i], id)
          local fields = owns(score, token) and redis.pcall("HMGET", prefix_of[i] .. "t:" .. id, "msg", "js:recovered")
          if fields and fields[1] then
            if is_suspect(fields[2]) then suspect_at = #reply / 2 + 1 end
            reply[#reply + 1] = id
            reply[#reply + 1] = fields[1]
            still[i] = still[i] + 1
          end
        end
      end
      table.insert(reply, 1, dropped .. suspect_at .. ";" .. table.concat(still, ",") .. ";")
      return reply
    end

    local left, looks = tonumber(limit), 100
    local may_suspect = suspects == "1"
    local dangling, put_off, popped = 0, 0, 0
    local counts, record, waits = {}, {}, {}
    for_each_item(pending, paused, active, lease, scheduled, prefix) do
      if is_wrong("list", pending) or is_wrong("list", active) or is_wrong("zset", lease) or is_wrong("zset", scheduled) then
        counts[item] = "x"
      elseif redis.call("EXISTS", paused) == 1 then
        counts[item] = 0
      else
        local taken, leases = {}, {}
        while left > 0 and looks > 0 do
          local ids = redis.call("RPOP", pending, math.min(left, looks))
          if not ids then break end
          looks = looks - #ids
          popped = popped + #ids
          for _, id in ipairs(ids) do
            local task = prefix .. "t:" .. id
            local fields = redis.pcall("HMGET", task, "msg", "js:recovered", "pending_since")
            if fields.err then
              dangling = dangling + 1
            elseif not fields[1] then
              redis.call("DEL", task)
              dangling = dangling + 1
            elseif not may_suspect and is_suspect(fields[2]) then
              -- One after the other: they would only meet again.
              redis.call("ZADD", scheduled, put_off_s + (put_off_turn + put_off) % 5, id)
              redis.call("HSET", task, "state", "scheduled")
              redis.call("HDEL", task, "pending_since")
              put_off = put_off + 1
            else
              if is_suspect(fields[2]) then
                may_suspect = false
                suspect_at = #reply / 2 + 1
              end
              taken[#taken + 1] = id
              leases[#leases + 1] = lease_score
              leases[#leases + 1] = id
              redis.call("HSET", task, "state", "active")
              redis.call("HDEL", task, "pending_since")
              reply[#reply + 1] = id
              reply[#reply + 1] = fields[1]
              record[#record + 1] = #id .. ":" .. id
              local since_ns = tonumber(fields[3])
              waits[#waits + 1] = since_ns and string.format("%.0f", now_ms - since_ns / 1000000) or "x"
              left = left - 1
            end
          end
        end
        if #taken > 0 then
          redis.call("LPUSH", active, unpack(taken))
          redis.call("ZADD", lease, unpack(leases))
        end
        counts[item] = #taken
      end
    end
    local head = dangling .. "," .. put_off .. "," .. suspect_at .. ";" .. table.concat(counts, ",") .. ";"
    if popped > 0 then remember(head .. "\\n" .. table.concat(record)) end
    table.insert(reply, 1, head .. table.concat(waits, ","))
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
      now_ms: Math.floor(nowMs),
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
  const read = ({ ids, counts, suspectAt, waits, ...dropped }: DequeueReply): DequeueReport => {
    const tasks = queues.flatMap((queue, i) => {
      const start = counts.slice(0, i).reduce<number>((sum, count) => sum + (count ?? 0), 0);
      return ids.slice(start, start + (counts[i] ?? 0)).map(
        (task, nth): DequeuedTask => ({
          ...task,
          queue,
          token,
          leaseUntilSec,
          suspect: task === ids[suspectAt - 1],
          waitedMs: waits[start + nth],
        }),
      );
    });
    return { ...dropped, tasks, brokenQueues: queues.filter((_, i) => counts[i] === undefined) };
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
  readonly ids: readonly { readonly id: string; readonly msg: Uint8Array }[];
  /** How long each task waited; nothing at all in a replay. */
  readonly waits: readonly (number | undefined)[];
}

/** `<dangling>,<put off>,<which is the suspect>;<count of each queue, or x>;<wait of each task, or x>`, then id and message of each task. */
function decodeDequeued(reply: Reply, queues: number): DequeueReply {
  const [head = null, ...words] = decodeList(reply);
  const [, dropped, counted, waited] = /^(\d+,\d+,\d+);([^;]*);([^;]*)$/.exec(decodeText(head)) ?? unexpected();
  const ids = decodeRows(words, 2).map(([id, msg]) => ({ id: decodeText(id!), msg: decodeBytes(msg!) }));
  const [dangling, putOff, suspectAt] = dropped!.split(",").map(toCount) as [number, number, number];
  const counts = counted!.split(",").map((count) => (count === "x" ? undefined : toCount(count)));
  const waits = waited === "" ? [] : waited!.split(",").map(readWait);
  const taken = counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
  if (counts.length !== queues || taken !== ids.length || (waited !== "" && waits.length !== ids.length)) unexpected();
  return { dangling, putOff, suspectAt, counts, ids, waits };
}

/** Anybody may have written since when a task is pending: what is no number is not known, and later than now is now. */
function readWait(word: string): number | undefined {
  return /^-?\d{1,15}$/.test(word) ? Math.max(0, Number(word)) : undefined;
}
