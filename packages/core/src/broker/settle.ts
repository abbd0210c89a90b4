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
import { sizeOf } from "../lua/size-of.ts";
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
/** `done`, of a task that may hold a lock. */
const doneWithLock = "u";

const args = {
  prefix: "text",
  now_s: "text",
  now_ns: "text",
  cutoff_s: "text",
  stats_expire_s: "text",
  archive_cutoff_s: "text",
  archive_max: "text",
  count: "text",
  runs: "text",
} as const;
/** Those, and the two of the call record, stand before the words of the outcomes. */
const wordsBefore = 2 + Object.keys(args).length;

/**
 * active -> gone | completed | retry | scheduled | archived | pending | quarantine, many at once, each fenced by its lease. Looks at everything that
 * could fail first; then takes a task out of `active`, which Redis does not refuse when it is full, before anything that it might is written.
 *
 * Each word that is sent costs, so an outcome has those only that it needs: `runs` says for how many one after the other a letter and a fence
 * are the same (`d99:524288;r1:7;`), then come all ids, then what each has beside its id: nothing where it is done (`d`), its lock where it
 * is done and has one (`u`), otherwise a second, a message, and its lock or what is noted.
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
  args,
  lua: /* lua */ `
    local command, attempt = redis.call, redis.pcall
    ${containers}
    ${sizeOf}
    ${owns}
    ${countTasks}

    if not (size_of("LLEN", active) and size_of("ZCARD", lease)) then return wrong_container() end
    if string.find(runs, "[^du%d:=.;]") then
      local container = { c = completed, r = retry, v = retry, h = scheduled, a = archived, x = quarantine }
      for kind in string.gmatch(runs, "(%a)%d+:") do
        if container[kind] and is_wrong("zset", container[kind]) or kind == "q" and is_wrong("list", pending) then return wrong_container() end
      end
    end

    local words, next_word = ARGV, ${wordsBefore} + count
    local scores = command("ZMSCORE", lease, unpack(words, ${wordsBefore + 1}, next_word))
    local task_prefix = prefix .. "t:"
    local verdicts, gone, settled, doomed, archived_now = {}, {}, {}, {}, {}
    local looked_at, done_count, settled_count, doomed_count, processed_count, failed_count = 0, 0, 0, 0, 0, 0
    for kind, length, fence in string.gmatch(runs, "(%a)(%d+):([^;]*);") do
      local is_done = kind == "d" or kind == "u"
      local score, is_owned
      for _ = 1, length do
        looked_at = looked_at + 1
        local id, at_s, msg, lock, note = words[${wordsBefore} + looked_at]
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
            command("LREM", active, -1, id)
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
      if gone[settled[nth]] == "done" then command("LREM", active, -1, settled[nth]) end
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
 * @throws {InvalidOptionError} a time that is no whole second, a score that is none, or no `cutoffSec` where it is needed; before any I/O
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
  const scripts = chunks.map(({ queue, items }) => {
    const { runs, words } = wordsOf(items.map(({ item }) => item));
    const bound = bind(settleScript, {
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
        count: items.length,
        runs,
      },
    });
    return { ...bound, args: [...bound.args, ...words], items: items.length };
  });

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

type Word = BoundScript<unknown>["args"][number];
const none = new Uint8Array();

/** What the script reads of outcomes: what those one after the other have in common, then their ids and what each has beside it. */
function wordsOf(outcomes: readonly TaskOutcome[]): { readonly runs: string; readonly words: Word[] } {
  const words: Word[] = outcomes.map(({ id }) => id);
  let [runs, last, length] = ["", "", 0];
  const end = (): void => {
    if (length > 0) runs += `${last[0]}${length}:${last.slice(1)};`;
  };
  for (const outcome of outcomes) {
    const kind = outcome.to === "done" && outcome.uniqueKey ? doneWithLock : letters[outcome.to];
    const { fence } = outcome;
    if ("expiredScore" in fence && !/^[-+.\w]+$/.test(fence.expiredScore))
      throw new InvalidOptionError("expiredScore", "expected a score as Redis prints it");
    const run = kind + fenceText(fence);
    if (run !== last) {
      end();
      [last, length] = [run, 0];
    }
    length++;
    addWords(outcome, words);
  }
  end();
  return { runs, words };
}

/** Adds what an outcome has beside its id. */
function addWords(outcome: TaskOutcome, words: Word[]): void {
  switch (outcome.to) {
    case "done":
      if (outcome.uniqueKey) words.push(outcome.uniqueKey);
      return;
    case "completed":
      words.push(second("expireAtSec", outcome.expireAtSec), outcome.msg, outcome.uniqueKey ?? "");
      return;
    case "retry":
      words.push(second("retryAtSec", outcome.retryAtSec), outcome.msg, outcome.isFailure ? "1" : "0");
      return;
    case "recovered":
      words.push(second("retryAtSec", outcome.retryAtSec), outcome.msg, outcome.recovered);
      return;
    case "handed-back":
      words.push(second("dueAtSec", outcome.dueAtSec), outcome.msg, outcome.handedBack);
      return;
    case "archived":
      words.push("", outcome.msg, "");
      return;
    case "requeued":
      words.push("", none, "");
      return;
    case "quarantined":
      words.push("", none, outcome.why);
      return;
  }
}

/** A score that Redis takes, and Go reads: Redis would refuse another when the task has left its place. */
function second(option: string, atSec: number): number {
  if (!Number.isInteger(atSec)) throw new InvalidOptionError(option, "expected a whole second");
  return atSec;
}

const settleVerdicts = decodeVerdicts<SettleVerdict>({ s: "settled", l: "lease-lost", d: "dangling" });

/** What the script answers. */
export interface SettleReply {
  readonly verdicts: readonly SettleVerdict[];
  readonly trimmed: number;
}

/** `<one letter per item>,<trimmed>`. */
function decodeSettled(reply: Reply, items: number): SettleReply {
  const [, letters, trimmed] = /^([a-z]+),(\d+)$/.exec(decodeText(reply)) ?? unexpected();
  return { verdicts: settleVerdicts(new TextEncoder().encode(letters), items), trimmed: toCount(trimmed!) };
}
