import type { Broker } from "../broker.ts";
import { unixSec, within } from "../clock.ts";
import { decodeList, toCount } from "../decode-reply.ts";
import { activeKey, leaseKey, pausedKey, pendingKey, queuePrefix, scheduledKey } from "../keys.ts";
import { drawToken, leaseScore, leaseSec } from "../lease.ts";
import { owns } from "../lua/owns.ts";
import { sizeOf } from "../lua/size-of.ts";
import { beforeTaking, takenSoFar, takeTasks, tellTaken, tellTakenAgain } from "../lua/take-tasks.ts";
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

/** What it is given once for all queues. */
export const fetchArgs = {
  limit: "text",
  token: "text",
  lease_score: "text",
  suspects: "text",
  put_off_s: "text",
  put_off_turn: "text",
} as const;

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
  args: fetchArgs,
  eachKeys: ["pending", "paused", "active", "lease", "scheduled"],
  each: { prefix: "text" },
  lua: /* lua */ `
    local command, attempt = redis.call, redis.pcall
    ${sizeOf}
    ${takenSoFar}
    local settled_before = ""

    if replayed then
      ${owns}
      local lease_of, prefix_of = {}, {}
      for_each_item(lease, prefix) do
        lease_of[item], prefix_of[item] = lease, prefix
      end
      ${tellTakenAgain}
    end

    ${beforeTaking}
    for_each_item(pending, paused, active, lease, scheduled, prefix) do
      local held = size_of("ZCARD", lease)
      if not (held and size_of("ZCARD", scheduled) and size_of("LLEN", pending) and size_of("LLEN", active)) then
        counts[item] = "x"
      elseif command("EXISTS", paused) == 1 then
        counts[item] = 0
      else
        ${takeTasks}
      end
    end
    ${tellTaken}
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
  const { args, read } = fetchCall(broker, queues, limit, suspect);
  return read(await run(broker, bindDequeue(queues, args), send));
}

export type FetchArgs = { readonly [Name in keyof typeof fetchArgs]: string | number };

/** What a call for up to 100 tasks of up to 250 queues is given, and what its answer means. */
export function fetchCall(
  broker: Broker,
  queues: readonly string[],
  limit: number,
  suspect: boolean,
): { readonly args: FetchArgs; readonly read: (reply: DequeueReply) => DequeueReport } {
  const nowMs = broker.clock.nowMs();
  const token = drawToken(broker.random);
  const leaseUntilSec = unixSec(nowMs) + leaseSec;
  const args: FetchArgs = {
    limit,
    token,
    lease_score: leaseScore(leaseUntilSec, token),
    suspects: suspect ? 1 : 0,
    put_off_s: unixSec(nowMs) + 1,
    put_off_turn: Math.floor(broker.random.float() * 5),
  };
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
  return { args, read };
}

/** The call, ready to be sent. */
export function bindDequeue(queues: readonly string[], args: FetchArgs): BoundScript<DequeueReply> {
  return bind(dequeueScript, {
    queue: queues[0]!,
    keys: {},
    args,
    items: queues.map((queue) => ({
      pending: pendingKey(queue),
      paused: pausedKey(queue),
      active: activeKey(queue),
      lease: leaseKey(queue),
      scheduled: scheduledKey(queue),
      prefix: queuePrefix(queue),
    })),
  });
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
export function decodeDequeued(reply: Reply, queues: number): DequeueReply {
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
