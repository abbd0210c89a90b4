import type { Broker } from "../broker.ts";
import { decodeBytes, decodeCount, decodeList, decodeOptional, decodeRows, toNextSec } from "../decode-reply.ts";
import { leaseKey, queuePrefix } from "../keys.ts";
import type { SendOptions } from "../redis.ts";
import { type BoundScript, bind, defineScript, type Outcome, run, runAll } from "../script.ts";
import { decodeText } from "../verdicts.ts";

/** A look finds at most so many, and stops at so many bytes of messages. */
const most = { items: 100, bytes: 1024 * 1024 };
/** What the looks at several queues answer in one request stays about within this. */
const mostBytesAtOnce = 4 * 1024 * 1024;

/** A task whose lease ended while it was active. */
export interface ExpiredLease {
  readonly id: string;
  /** The score exactly as Redis printed it: the fence of whoever recovers the task. */
  readonly score: string;
  /** Absent when the hash is gone, no hash, or without message. */
  readonly msg: Uint8Array | undefined;
  /** How often it was recovered, `<count>@<retried>`, as the hash has it. */
  readonly recovered: string | undefined;
}

export interface ExpiredLeases {
  readonly leases: readonly ExpiredLease[];
  /** Whether the look ended at its bounds, so that more may have expired. */
  readonly more: boolean;
  /** The second at which the first of the leases ends that have not by then. */
  readonly nextSec: number | undefined;
}

/** Leases that ended at or before `cutoff_s`, oldest first. @see Asynq internal/rdb/rdb.go, `listLeaseExpiredCmd` */
export const listExpiredLeasesScript = defineScript({
  name: "list-expired-leases",
  effect: "read",
  keys: ["lease"],
  args: { prefix: "text", cutoff_s: "text", limit: "text", max_bytes: "text" },
  lua: /* lua */ `
    local found = redis.call("ZRANGEBYSCORE", lease, "-inf", cutoff_s, "WITHSCORES", "LIMIT", 0, limit)
    local bytes_left = tonumber(max_bytes)
    local next_end = redis.call("ZRANGEBYSCORE", lease, "(" .. cutoff_s, "+inf", "WITHSCORES", "LIMIT", 0, 1)[2] or 0
    local reply = { #found / 2 < tonumber(limit) and 0 or 1, math.min(math.ceil(tonumber(next_end)), 99999999999) }
    for i = 1, #found, 2 do
      if bytes_left <= 0 then
        reply[1] = 1
        break
      end
      local fields = redis.pcall("HMGET", prefix .. "t:" .. found[i], "msg", "js:recovered")
      reply[#reply + 1] = found[i]
      reply[#reply + 1] = found[i + 1]
      reply[#reply + 1] = fields[1] or false
      reply[#reply + 1] = fields[2] or false
      if fields[1] then bytes_left = bytes_left - #fields[1] end
    end
    return reply
  `,
  decode: (reply): ExpiredLeases => {
    const [more = null, next = null, ...words] = decodeList(reply);
    const leases = decodeRows(words, 4).map(
      ([id, score, msg, recovered]): ExpiredLease => ({
        id: decodeText(id!),
        score: decodeText(score!),
        msg: decodeOptional(msg!, decodeBytes),
        recovered: decodeOptional(recovered!, decodeText),
      }),
    );
    return { leases, more: decodeCount(more, 1) === 1, nextSec: toNextSec(false, decodeCount(next)) };
  },
});

/** The oldest leases of a queue that ended at or before `cutoffSec`, at most 100 and about 1 MiB of messages. Reads only. @throws {RedisError} */
export function listExpiredLeases(broker: Broker, queue: string, cutoffSec: number, options: SendOptions = {}): Promise<ExpiredLeases> {
  return run(broker, lookAt(queue, cutoffSec, most.bytes), options);
}

/**
 * The same of each of the queues, all in one request, in order: the more queues, the fewer bytes of messages of each. Reads only.
 * @throws {RedisError} the way to Redis failed
 */
export function listExpiredLeasesOf(
  broker: Broker,
  queues: readonly string[],
  cutoffSec: number,
  options: SendOptions = {},
): Promise<Outcome<ExpiredLeases>[]> {
  const maxBytes = Math.min(most.bytes, Math.floor(mostBytesAtOnce / queues.length));
  return runAll(
    broker,
    queues.map((queue) => lookAt(queue, cutoffSec, maxBytes)),
    options,
  );
}

function lookAt(queue: string, cutoffSec: number, maxBytes: number): BoundScript<ExpiredLeases> {
  return bind(listExpiredLeasesScript, {
    queue,
    keys: { lease: leaseKey(queue) },
    args: { prefix: queuePrefix(queue), cutoff_s: cutoffSec, limit: most.items, max_bytes: maxBytes },
  });
}
