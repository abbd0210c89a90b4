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
import { owns } from "../lua/owns.ts";
import { ofOthers, settleTasks } from "../lua/settle-tasks.ts";
import { sizeOf } from "../lua/size-of.ts";
import type { MarkedBytes, Reply, SendOptions } from "../redis.ts";
import { type BoundScript, bind, defineScript, type Outcome, runAll } from "../script.ts";
import { type CallBounds, splitCalls } from "../split-calls.ts";
import type { BroughtBy } from "../task-state.ts";
import { decodeText, decodeVerdicts, splitAt } from "../verdicts.ts";

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

/** The keys of every call; behind them those that it has only where an outcome is another than `done`. */
export const settleKeys = ["active", "lease", "processed", "processed_total"] as const;
export const otherKeys = ["completed", "retry", "archived", "quarantine", "failed", "failed_total"] as const;
const keys = [...settleKeys, "pending", "scheduled", ...otherKeys] as const;
/** `others` is what outcomes other than `done` need: nothing, where there are none. */
export const settleArgs = { prefix: "text", stats_expire_s: "text", others: "text", count: "text", runs: "text" } as const;
/** Those, and the two of the call record, stand before the words of the outcomes. */
const wordsBefore = 2 + Object.keys(settleArgs).length;

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
  keys,
  args: settleArgs,
  lua: /* lua */ `
    local command, attempt = redis.call, redis.pcall
    ${containers}
    ${sizeOf}
    ${ofOthers}
    ${owns}
    ${countTasks}

    local words_before = ${wordsBefore}
    ${settleTasks}
    return remember(verdict)
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
  const { parts, read } = settleCalls(broker, outcomes, cutoffSec);
  return read(await runAll(broker, parts.map(bindSettle), send));
}

/** A call for outcomes of one queue. */
export interface SettleCall {
  readonly queue: string;
  readonly keys: { readonly [Name in (typeof keys)[number]]: string };
  readonly args: { readonly [Name in keyof typeof settleArgs]: string | number };
  /** Behind the arguments. */
  readonly words: readonly Word[];
  readonly outcomes: number;
}

/**
 * One call per queue and chunk of 100, and what their answers mean.
 * @throws {InvalidOptionError} as `settle`
 */
export function settleCalls(
  broker: Broker,
  outcomes: readonly TaskOutcome[],
  cutoffSec?: number,
): { readonly parts: readonly SettleCall[]; readonly read: (answers: readonly Outcome<SettleReply>[]) => SettleReport } {
  const nowMs = broker.clock.nowMs();
  const nowSec = unixSec(nowMs);
  if (cutoffSec === undefined && outcomes.some(({ fence }) => "expiredScore" in fence)) {
    throw new InvalidOptionError(
      "cutoffSec",
      "expected the second up to which a lease counts as expired, for outcomes fenced by an expired score",
    );
  }
  const { archiveMaxAgeSec, archiveMaxSize } = limitsOf(broker);
  const chunks = chunksOf(outcomes);
  const parts = chunks.map(({ queue, items }): SettleCall => {
    const { runs, words } = wordsOf(items);
    return {
      ...{ queue, words, outcomes: items.length },
      keys: keysOf(queue, nowMs),
      args: {
        prefix: queuePrefix(queue),
        stats_expire_s: nowSec + statsTtlSec,
        others: isOnlyDone(runs) ? "" : `${nowSec} ${unixNs(nowMs)} ${cutoffSec ?? 0} ${nowSec - archiveMaxAgeSec} ${archiveMaxSize}`,
        count: items.length,
        runs,
      },
    };
  });

  const read = (answers: readonly Outcome<SettleReply>[]): SettleReport => {
    const results: SettleResult[] = new Array(outcomes.length);
    let trimmed = 0;
    for (const [i, { items, places }] of chunks.entries()) {
      const { value, error } = answers[i]!;
      trimmed += value?.trimmed ?? 0;
      for (let nth = 0; nth < items.length; nth++)
        results[places?.[nth] ?? nth] = error === undefined ? resultOf[value.verdicts[nth]!] : { error };
    }
    return { results, trimmed };
  };
  return { parts, read };
}

const dayMs = 24 * 3600 * 1000;
let lastKeys: { readonly queue: string; readonly dayNumber: number; readonly keys: SettleCall["keys"] } | undefined;

/** Those of the last call where it was of the same queue and day: twelve texts that need not be put together, and then made one, anew. */
function keysOf(queue: string, nowMs: number): SettleCall["keys"] {
  const dayNumber = Math.floor(nowMs / dayMs);
  if (lastKeys?.queue !== queue || lastKeys.dayNumber !== dayNumber) {
    const day = utcDay(nowMs);
    const keys = {
      active: activeKey(queue),
      lease: leaseKey(queue),
      processed: processedKey(queue, day),
      processed_total: processedTotalKey(queue),
      pending: pendingKey(queue),
      scheduled: scheduledKey(queue),
      completed: completedKey(queue),
      retry: retryKey(queue),
      archived: archivedKey(queue),
      quarantine: quarantineKey(queue),
      failed: failedKey(queue, day),
      failed_total: failedTotalKey(queue),
    };
    lastKeys = { queue, dayNumber, keys };
  }
  return lastKeys.keys;
}

/** One for all that ended so: nearly every task makes one. */
const resultOf: Readonly<Record<SettleVerdict, SettleResult>> = {
  settled: { verdict: "settled" },
  "lease-lost": { verdict: "lease-lost" },
  dangling: { verdict: "dangling" },
};

/** What goes into one call each, and where among all it stands. A worker's are of one queue and few: nothing is made for each of them. */
function chunksOf(
  outcomes: readonly TaskOutcome[],
): readonly { readonly queue: string; readonly items: readonly TaskOutcome[]; readonly places?: readonly number[] }[] {
  const first = outcomes[0];
  if (first === undefined) return [];
  const isOne = outcomes.length <= maxPerSettle.items && outcomes.every(({ queue }) => queue === first.queue);
  if (isOne && bytesOf(outcomes) <= maxPerSettle.bytes) return [{ queue: first.queue, items: outcomes }];
  return [...byQueue(outcomes, ({ queue }) => queue)].flatMap(([queue, ofQueue]) =>
    splitCalls(ofQueue, maxPerSettle, ({ item }) => outcomeBytes(item)).map((some) => ({
      ...{ queue, items: some.map(({ item }) => item) },
      places: some.map(({ at }) => at),
    })),
  );
}

function bytesOf(outcomes: readonly TaskOutcome[]): number {
  let bytes = 0;
  for (const outcome of outcomes) bytes += outcomeBytes(outcome);
  return bytes;
}

/** A call, ready to be sent. */
export function bindSettle(call: SettleCall): BoundScript<SettleReply> {
  return withOutcomes(bind(settleScript, call), call, keys.length - settleKeys.length);
}

/** Adds the outcomes to a script that settles; the last keys are those that only others than `done` need: each word that is sent costs. */
export function withOutcomes<R>(
  bound: BoundScript<R>,
  { args: { others }, words, outcomes }: SettleCall,
  otherKeyCount: number,
): BoundScript<R> {
  const keysOfAll = others === "" ? bound.keys.slice(0, -otherKeyCount) : bound.keys;
  return { ...bound, keys: keysOfAll, args: [...bound.args, ...words], items: outcomes };
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

/** Whether runs are of `done` alone, each fenced by its token. */
function isOnlyDone(runs: string): boolean {
  return !/[^du\d:;]/.test(runs);
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
export function decodeSettled(reply: Reply, items: number): SettleReply {
  const [letters, trimmed] = splitAt(",", reply);
  return { verdicts: settleVerdicts(letters, items), trimmed: toCount(decodeText(trimmed)) };
}
