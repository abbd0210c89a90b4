import type { Broker } from "../broker.ts";
import { byQueue } from "../by-queue.ts";
import { unixNs, unixSec, utcDay } from "../clock.ts";
import { toCount } from "../decode-reply.ts";
import { InvalidOptionError, type RedisError, type StaleCallError } from "../errors.ts";
import {
  activeKey,
  archivedKey,
  completedKey,
  failedKey,
  failedTotalKey,
  leaseKey,
  pendingKey,
  processedKey,
  processedTotalKey,
  quarantineKey,
  queuePrefix,
  retryKey,
  scheduledKey,
} from "../keys.ts";
import { type Fence, fenceText } from "../lease.ts";
import { limitsOf } from "../limits.ts";
import { containers } from "../lua/containers.ts";
import { countTasks } from "../lua/count-tasks.ts";
import { deleteTasks } from "../lua/delete-tasks.ts";
import { owns } from "../lua/owns.ts";
import { trimArchive } from "../lua/trim-archive.ts";
import type { MarkedBytes, Reply, SendOptions } from "../redis.ts";
import { type BoundScript, bind, defineScript, type Outcome, runAll } from "../script.ts";
import { type CallBounds, splitCalls } from "../split-calls.ts";
import type { BroughtBy } from "../task-state.ts";
import { decodeText, decodeVerdicts, unexpected } from "../verdicts.ts";

/** A call settles at most so many tasks, with so many bytes of messages. */
export const maxPerSettle: CallBounds = { items: 100, bytes: 1024 * 1024 };
/** How long daily counters are kept. Asynq: `statsTTL`. */
export const statsTtlSec: number = 90 * 24 * 3600;

/** What is to become of an active task. `msg` is the whole message as it shall be stored, patched from the stored one. */
export type TaskOutcome = {
  readonly queue: string;
  readonly id: string;
  readonly fence: Fence;
} & (
  | {
      /** active -> gone: succeeded without retention, or revoked. */
      readonly to: "done";
      readonly uniqueKey?: string | undefined;
    }
  | {
      /** active -> completed, kept until `expireAtSec`. */
      readonly to: "completed";
      readonly msg: MarkedBytes;
      readonly expireAtSec: number;
      readonly uniqueKey?: string | undefined;
    }
  | {
      /** active -> retry, due at `retryAtSec`; counted as a failure or not. */
      readonly to: "retry";
      readonly msg: MarkedBytes;
      readonly retryAtSec: number;
      readonly isFailure: boolean;
    }
  | {
      /** active -> retry after its worker was lost: nothing is charged, `recovered` is kept apart (docs/extensions.md). */
      readonly to: "recovered";
      readonly msg: MarkedBytes;
      readonly retryAtSec: number;
      readonly recovered: string;
    }
  | {
      /** active -> scheduled for another server, its type being unknown here: nothing is charged, `handedBack` is kept apart (docs/extensions.md). */
      readonly to: "handed-back";
      readonly msg: MarkedBytes;
      readonly dueAtSec: number;
      readonly handedBack: number;
    }
  | {
      /** active -> archived. */
      readonly to: "archived";
      readonly msg: MarkedBytes;
    }
  | {
      /** active -> pending, at the head of the line; nothing is charged. */
      readonly to: "requeued";
    }
  | {
      /** active -> quarantine: its message cannot be read. */
      readonly to: "quarantined";
      readonly why: string;
    }
);

/**
 * `settled`; `lease-lost`: it belongs to someone else, or is settled already, nothing was written; `dangling`: its hash was gone or no
 * hash, so there was nothing to keep, and the id was dropped, with what a hash without a message still held.
 */
export type SettleVerdict = "settled" | "lease-lost" | "dangling";

export type SettleResult =
  | { readonly verdict: SettleVerdict; readonly error?: never }
  | { readonly verdict?: never; readonly error: RedisError | StaleCallError };

export interface SettleReport {
  /** One result per outcome, in order. */
  readonly results: readonly SettleResult[];
  /** Archived tasks deleted because the archive is full or they are too old. */
  readonly trimmed: number;
}

/** The state each outcome brings a task to. */
export const settledTo: Readonly<Record<TaskOutcome["to"], BroughtBy<"settle", "active">>> = {
  done: "none",
  completed: "completed",
  retry: "retry",
  recovered: "retry",
  "handed-back": "scheduled",
  archived: "archived",
  requeued: "pending",
  quarantined: "js:quarantine",
};

const letters = {
  done: "d",
  completed: "c",
  retry: "r",
  recovered: "v",
  "handed-back": "h",
  archived: "a",
  requeued: "q",
  quarantined: "x",
} as const satisfies Record<TaskOutcome["to"], string>;

/**
 * active -> gone | completed | retry | scheduled | archived | pending | quarantine, many at once, each fenced by its lease. Looks at everything that
 * could fail first; then LREM, which Redis does not refuse when it is full, before anything else is written.
 * @see Asynq internal/rdb/rdb.go, `doneCmd`, `doneUniqueCmd`, `markAsCompleteCmd`, `markAsCompleteUniqueCmd`, `retryCmd`, `archiveCmd`, `requeueCmd`
 */
export const settleScript = defineScript({
  name: "settle",
  effect: "record",
  allowOom: true,
  keys: [
    "active",
    "lease",
    "pending",
    "completed",
    "retry",
    "scheduled",
    "archived",
    "quarantine",
    "processed",
    "failed",
    "processed_total",
    "failed_total",
  ],
  args: {
    prefix: "text",
    now_s: "text",
    now_ns: "text",
    cutoff_s: "text",
    stats_expire_s: "text",
    archive_cutoff_s: "text",
    archive_max: "text",
  },
  each: { id: "text", fence: "text", to: "text", at_s: "text", msg: "bytes", lock: "text", note: "text" },
  lua: /* lua */ `
    ${containers}
    ${owns}
    ${countTasks}
    ${deleteTasks}
    ${trimArchive}

    if is_wrong("list", active) or is_wrong("zset", lease) then return wrong_container() end
    local container = { c = completed, r = retry, v = retry, h = scheduled, a = archived, x = quarantine }
    local ids, outcomes = {}, {}
    for_each_item(id, to) do
      ids[item], outcomes[to] = id, to
    end
    for _, to in pairs(outcomes) do
      if container[to] and is_wrong("zset", container[to]) or to == "q" and is_wrong("list", pending) then return wrong_container() end
    end

    local scores = redis.call("ZMSCORE", lease, unpack(ids))
    local verdicts, settled, gone, doomed, archived_now = {}, {}, {}, {}, {}
    local processed_count, failed_count = 0, 0
    for_each_item(id, fence, to, at_s, msg, lock, note) do
      local task = prefix .. "t:" .. id
      if gone[id] or not owns(scores[item], fence) then
        verdicts[item] = "l"
      else
        gone[id] = true
        settled[#settled + 1] = id
        local holds_lock = lock ~= "" and redis.pcall("GET", lock) == id
        local stored = to == "d" and 1 or redis.pcall("HEXISTS", task, "msg")

        redis.call("LREM", active, -1, id)
        if stored ~= 1 then
          verdicts[item] = "d"
          if stored == 0 then doomed[#doomed + 1] = task end
        else
          verdicts[item] = "s"
          if to == "d" then
            doomed[#doomed + 1] = task
            processed_count = processed_count + 1
          elseif to == "c" then
            redis.call("ZADD", completed, at_s, id)
            redis.call("HSET", task, "msg", msg, "state", "completed")
            processed_count = processed_count + 1
          elseif to == "r" then
            redis.call("ZADD", retry, at_s, id)
            redis.call("HSET", task, "msg", msg, "state", "retry")
            if note == "1" then
              processed_count = processed_count + 1
              failed_count = failed_count + 1
            end
          elseif to == "v" then
            redis.call("ZADD", retry, at_s, id)
            redis.call("HSET", task, "msg", msg, "state", "retry", "js:recovered", note)
          elseif to == "h" then
            redis.call("ZADD", scheduled, at_s, id)
            redis.call("HSET", task, "msg", msg, "state", "scheduled", "js:handed_back", note)
          elseif to == "a" then
            redis.call("ZADD", archived, now_s, id)
            redis.call("HSET", task, "msg", msg, "state", "archived")
            archived_now[id] = true
            processed_count = processed_count + 1
            failed_count = failed_count + 1
          elseif to == "q" then
            redis.call("RPUSH", pending, id)
            redis.call("HSET", task, "state", "pending", "pending_since", now_ns)
          else
            redis.call("ZADD", quarantine, now_s, id)
            redis.call("HSET", task, "state", "js:quarantine", "js:from", "active", "js:why", note)
          end
          if to == "c" or to == "r" or to == "a" then redis.call("HDEL", task, "js:recovered", "js:handed_back") end
          if holds_lock then redis.call("DEL", lock) end
        end
      end
    end

    if #settled > 0 then redis.call("ZREM", lease, unpack(settled)) end
    if #doomed > 0 then redis.call("DEL", unpack(doomed)) end
    count_tasks(processed, processed_total, processed_count)
    count_tasks(failed, failed_total, failed_count)
    local trimmed = next(archived_now) and trim_archive(archived_now, 1000) or 0
    return remember(table.concat(verdicts) .. "," .. trimmed)
  `,
  decode: decodeSettled,
});

/**
 * Settles active tasks of any queues: one call per queue and chunk of 100, all in one request; one result per outcome, in order. The same
 * id twice is one `settled` and one `lease-lost`.
 *
 * May be repeated: by the port, as the same call, until the lease's own deadline (`timeoutMs`). Called again by you it is a new call, and
 * `lease-lost` may then mean that the first one settled it.
 * @throws {InvalidOptionError} a time that is no whole second, or no `cutoffSec` where it is needed; before any I/O
 * @throws {RedisError} the way to Redis failed: `unknown` means some may be settled
 */
export async function settle(
  broker: Broker,
  outcomes: readonly TaskOutcome[],
  options: SendOptions & { readonly cutoffSec?: number } = {},
): Promise<SettleReport> {
  const { cutoffSec, ...send } = options;
  const { scripts, read } = bindSettle(broker, outcomes, cutoffSec);
  return read(await runAll(broker, scripts, send));
}

/**
 * One call per queue and chunk of 100, ready to be sent in one request, and what their answers mean.
 * @throws {InvalidOptionError} as `settle`
 */
export function bindSettle(
  broker: Broker,
  outcomes: readonly TaskOutcome[],
  cutoffSec?: number,
): { readonly scripts: readonly BoundScript<SettleReply>[]; readonly read: (answers: readonly Outcome<SettleReply>[]) => SettleReport } {
  const nowMs = broker.clock.nowMs();
  const nowSec = unixSec(nowMs);
  if (cutoffSec === undefined && outcomes.some(({ fence }) => "expiredScore" in fence)) {
    throw new InvalidOptionError(
      "cutoffSec",
      "expected the second up to which a lease counts as expired, for outcomes fenced by an expired score",
    );
  }
  const day = utcDay(nowMs);
  const { archiveMaxAgeSec, archiveMaxSize } = limitsOf(broker);
  const chunks = [...byQueue(outcomes, ({ queue }) => queue)].flatMap(([queue, items]) =>
    splitCalls(items, maxPerSettle, ({ item }) => outcomeBytes(item)).map((some) => ({ queue, items: some })),
  );
  const scripts = chunks.map(({ queue, items }) =>
    bind(settleScript, {
      queue,
      keys: {
        active: activeKey(queue),
        lease: leaseKey(queue),
        pending: pendingKey(queue),
        completed: completedKey(queue),
        retry: retryKey(queue),
        scheduled: scheduledKey(queue),
        archived: archivedKey(queue),
        quarantine: quarantineKey(queue),
        processed: processedKey(queue, day),
        failed: failedKey(queue, day),
        processed_total: processedTotalKey(queue),
        failed_total: failedTotalKey(queue),
      },
      args: {
        prefix: queuePrefix(queue),
        now_s: nowSec,
        now_ns: unixNs(nowMs),
        cutoff_s: cutoffSec ?? 0,
        stats_expire_s: nowSec + statsTtlSec,
        archive_cutoff_s: nowSec - archiveMaxAgeSec,
        archive_max: archiveMaxSize,
      },
      items: items.map(({ item }) => ({ id: item.id, fence: fenceText(item.fence), to: letters[item.to], ...outcomeWords(item) })),
    }),
  );

  const read = (answers: readonly Outcome<SettleReply>[]): SettleReport => {
    const results: SettleResult[] = new Array(outcomes.length);
    let trimmed = 0;
    for (const [i, { items }] of chunks.entries()) {
      const { value, error } = answers[i]!;
      trimmed += value?.trimmed ?? 0;
      for (const [nth, { at }] of items.entries()) results[at] = error === undefined ? { verdict: value.verdicts[nth]! } : { error };
    }
    return { results, trimmed };
  };
  return { scripts, read };
}

/** What an outcome weighs in a call. */
export function outcomeBytes(outcome: TaskOutcome): number {
  return "msg" in outcome ? outcome.msg.bytes.length : 0;
}

const none = new Uint8Array();

/** The values of one outcome that the script reads; what it does not need is empty. */
function outcomeWords(outcome: TaskOutcome): { at_s: number | string; msg: MarkedBytes | Uint8Array; lock: string; note: string } {
  const nothing = { at_s: "", msg: none, lock: "", note: "" };
  switch (outcome.to) {
    case "done":
      return { ...nothing, lock: outcome.uniqueKey ?? "" };
    case "completed":
      return { ...nothing, at_s: second("expireAtSec", outcome.expireAtSec), msg: outcome.msg, lock: outcome.uniqueKey ?? "" };
    case "retry":
      return { ...nothing, at_s: second("retryAtSec", outcome.retryAtSec), msg: outcome.msg, note: outcome.isFailure ? "1" : "0" };
    case "recovered":
      return { ...nothing, at_s: second("retryAtSec", outcome.retryAtSec), msg: outcome.msg, note: outcome.recovered };
    case "handed-back":
      return { ...nothing, at_s: second("dueAtSec", outcome.dueAtSec), msg: outcome.msg, note: String(outcome.handedBack) };
    case "archived":
      return { ...nothing, msg: outcome.msg };
    case "requeued":
      return nothing;
    case "quarantined":
      return { ...nothing, note: outcome.why };
  }
}

/** A score that Redis takes, and Go reads: Redis would refuse another when the task has left its place. */
function second(option: string, atSec: number): number {
  if (!Number.isInteger(atSec)) throw new InvalidOptionError(option, "expected a whole second");
  return atSec;
}

const settleVerdicts = decodeVerdicts<SettleVerdict>({ s: "settled", l: "lease-lost", d: "dangling" });

/** `<one letter per item>,<trimmed>`. */
/** What the script answers. */
export interface SettleReply {
  readonly verdicts: readonly SettleVerdict[];
  readonly trimmed: number;
}

function decodeSettled(reply: Reply, items: number): SettleReply {
  const [, letters, trimmed] = /^([a-z]+),(\d+)$/.exec(decodeText(reply)) ?? unexpected();
  return { verdicts: settleVerdicts(new TextEncoder().encode(letters), items), trimmed: toCount(trimmed!) };
}
