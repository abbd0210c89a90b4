import { listKeys } from "../broker/list-keys.ts";
import { repairKeys } from "../broker/repair-keys.ts";
import type { Broker } from "../broker.ts";
import { unixSec, utcDay } from "../clock.ts";
import { queueKeyKinds } from "../containers.ts";
import { listCronEntries } from "../cron/list-cron-entries.ts";
import { removeCronEntry } from "../cron/remove-cron-entry.ts";
import { decodeCount } from "../decode-reply.ts";
import { CronEntryNotFoundError, QueueNotEmptyError } from "../errors.ts";
import {
  activeKey,
  allQueues,
  failedKey,
  failedTotalKey,
  leaseKey,
  pausedKey,
  processedKey,
  processedTotalKey,
  queuePrefix,
  repairCursorKey,
} from "../keys.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, run } from "../script.ts";
import { ask, sendPlain } from "../send-plain.ts";
import { splitCalls } from "../split-calls.ts";
import { decodeVerdicts } from "../verdicts.ts";
import { deleteTasks } from "./delete-tasks.ts";
import { emptyQueue } from "./empty-queue.ts";
import { demandQueue } from "./queue-exists.ts";

/** How a queue is removed. */
export interface RemoveQueueOptions extends SendOptions {
  /** With all its tasks, and the cron entries that enqueue into it. Default: only if it has neither. */
  readonly force?: boolean | undefined;
  /** Told after each step how far it is. */
  readonly onProgress?: ((report: RemoveQueueReport) => void) | undefined;
  /** Stops after the step that is under way; workers go on with what is left. */
  readonly signal?: AbortSignal | undefined;
}

/** What became of a queue. */
export interface RemoveQueueReport {
  /** How many tasks were deleted. */
  readonly deleted: number;
  /** The cron entries that were removed, by their id. */
  readonly cronEntries: readonly string[];
  /** Whether it was told to stop before it was through: called again it goes on. */
  readonly more: boolean;
  /** Whether a task came after the last step: the queue is there again, with that task. */
  readonly existsAgain: boolean;
  /** Keys that stay, since they are not known to be the queue's: at most 100 of them. */
  readonly left: readonly string[];
}

const dayMs = 24 * 3600_000;
/** For so many days counters are kept; tomorrow's may be there too, by another's clock. */
const days = 91;
const maxLeft = 100;
/** Looked through at once. */
const keysPerPage = 1_000;
const keysPerCall = { items: 100, bytes: 64 * 1024 };

/** The containers, by whose being there a queue is not empty; leases without tasks are nothing. */
const containerKeys = Object.keys(queueKeyKinds)
  .filter((name) => name !== "lease")
  .map((name) => `prefix .. "${name}"`)
  .join(", ");

/** Deletes what is left of a queue that has no tasks, in one step; of one that has some it deletes nothing. */
export const removeQueueScript = defineScript({
  name: "remove-queue",
  effect: "record",
  allowOom: true,
  keys: ["lease", "paused", "processed_total", "failed_total", "cursor"],
  args: { prefix: "text" },
  each: { rest: "text" },
  lua: /* lua */ `
    local verdicts = {}
    local is_empty = redis.call("EXISTS", ${containerKeys}) == 0
    if is_empty then redis.call("DEL", lease, paused, processed_total, failed_total, cursor) end
    for_each_item(rest) do
      if is_empty then redis.call("DEL", prefix .. rest) end
      verdicts[item] = is_empty and "r" or "n"
    end
    return remember(table.concat(verdicts))
  `,
  decode: decodeVerdicts<"removed" | "not-empty">({ r: "removed", n: "not-empty" }),
});

/** Whether a queue has any container of tasks. */
export const holdsTasksScript = defineScript({
  name: "holds-tasks",
  effect: "read",
  keys: ["active"],
  args: { prefix: "text" },
  lua: /* lua */ `return redis.call("EXISTS", ${containerKeys}) > 0 and 1 or 0`,
  decode: (reply) => decodeCount(reply, 1) === 1,
});

/**
 * Removes a queue, so that no key of it is left but the records of calls, which expire within minutes, and the sealed claims of cron entries that
 * were removed, which expire within 90 days and let nobody fire them who read them before. All else goes: its tasks (`force`), groups, sets, quarantine,
 * locks, counters, its pause and its name; also hashes and locks that were left behind by others, for which it looks through all keys of Redis.
 * All of it in steps of a millisecond or two.
 *
 * While it is removed by force no worker takes a task of it, nor after a call that failed, until it is called again or the queue is let go on. A task that is enqueued before the last step goes with the others; one that comes
 * after makes the queue be there again, whole.
 *
 * May be repeated: yes; called again it goes on.
 * @throws {QueueNotFoundError} there is no such queue; nothing was written
 * @throws {QueueNotEmptyError} it holds tasks, or cron entries enqueue into it, and `force` was not said; or a worker runs some of its tasks.
 *   Nothing was deleted, unless somebody let the queue go on meanwhile
 * @throws {RedisError}
 * @see Asynq internal/rdb/inspect.go, `RemoveQueue`, which leaves completed tasks, groups, sets, locks, counters and the pause
 */
export async function removeQueue(
  broker: Broker,
  queue: string,
  { force = false, onProgress, signal, ...options }: RemoveQueueOptions = {},
): Promise<RemoveQueueReport> {
  await demandQueue(broker, queue, options);
  const entries = await cronEntriesOf(broker, queue, options);
  if (!force && entries.length > 0) throw new QueueNotEmptyError(queue, `cron entries enqueue into the queue (${nameSome(entries)})`);
  const wasPaused = force ? await pause(broker, queue, options) : true;
  const letGoOn = async (): Promise<void> => {
    if (!wasPaused) await sendPlain(broker.redis, [["DEL", pausedKey(queue)]], options);
  };
  let report: RemoveQueueReport = { deleted: 0, cronEntries: [], more: true, existsAgain: false, left: [] };
  const add = (more: Partial<RemoveQueueReport>): void => {
    report = { ...report, ...more };
    onProgress?.(report);
  };

  const active = await ask(broker.redis, ["EXISTS", activeKey(queue)], (reply) => decodeCount(reply, 1), options);
  // Looked at first: a queue that is not removed keeps its entries.
  for (const id of active === 0 ? entries : []) {
    await removeCronEntry(broker, id, options).catch((error: unknown) => {
      if (!(error instanceof CronEntryNotFoundError)) throw error;
    });
    add({ cronEntries: [...report.cronEntries, id] });
  }

  let cursor: string | undefined;
  let isSwept = false;
  const oldCounters = new Set<string>();
  for (;;) {
    if (signal?.aborted === true) {
      await letGoOn();
      return report;
    }
    const { outcome, deleted } = await emptyQueue(broker, queue, force, options);
    if (deleted > 0) add({ deleted: report.deleted + deleted });
    if (outcome === "active" || outcome === "not-empty") {
      await letGoOn();
      throw new QueueNotEmptyError(queue, outcome === "active" ? "cannot remove a queue with active tasks" : undefined);
    }
    if (outcome === "more") continue;
    if (!isSwept) {
      const page = await sweep(broker, queue, force, cursor ?? "0", options);
      for (const rest of page.counters) oldCounters.add(rest);
      add({ deleted: report.deleted + page.deleted, left: [...report.left, ...page.left].slice(0, maxLeft) });
      cursor = page.cursor;
      isSwept = cursor === "0";
      continue;
    }
    if (await removeRest(broker, queue, [...oldCounters], options)) break;
  }

  broker.published.delete(queue);
  await sendPlain(broker.redis, [["SREM", allQueues, queue]], options);
  const existsAgain = await run(
    broker,
    bind(holdsTasksScript, { queue, keys: { active: activeKey(queue) }, args: { prefix: queuePrefix(queue) } }),
    options,
  );
  if (existsAgain) await sendPlain(broker.redis, [["SADD", allQueues, queue]], options);
  add({ more: false, existsAgain });
  return report;
}

/** The ids of the cron entries that enqueue into a queue. */
async function cronEntriesOf(broker: Broker, queue: string, options: SendOptions): Promise<string[]> {
  const { entries } = await listCronEntries(broker, options);
  return entries.filter((entry) => entry.queue === queue).map(({ id }) => id);
}

function nameSome(ids: readonly string[]): string {
  const more = ids.length > 10 ? `, and ${ids.length - 10} more` : "";
  return ids.slice(0, 10).join(", ") + more;
}

/** Lets no worker take a task; answers whether that was so already. */
async function pause(broker: Broker, queue: string, options: SendOptions): Promise<boolean> {
  const key = pausedKey(queue);
  const wasPaused = await ask(broker.redis, ["EXISTS", key], (reply) => decodeCount(reply, 1), options);
  await sendPlain(broker.redis, [["SETNX", key, String(unixSec(broker.clock.nowMs()))]], options);
  return wasPaused === 1;
}

/** Looks through a page of all keys for what the queue has besides its containers: hashes and locks of nobody, groups and sets of no index. */
async function sweep(broker: Broker, queue: string, force: boolean, cursor: string, options: SendOptions) {
  const prefix = queuePrefix(queue);
  const page = await listKeys(broker, { queue, cursor, count: keysPerPage }, options);
  const rests = page.keys.map((key) => key.slice(prefix.length));
  let deleted = 0;
  if (force) {
    const ids = rests.filter((rest) => rest.startsWith("t:")).map((rest) => rest.slice(2));
    const verdicts = await deleteTasks(broker, queue, ids, options);
    deleted = verdicts.filter((verdict) => verdict === "done").length;
  }
  // What may be a task that is to be done is put back, unless all of them go: then the queue is not empty.
  const suspects = rests.filter((rest) => /^(unique|g):/.test(rest) || (!force && rest.startsWith("t:")));
  for (const some of splitCalls(suspects, keysPerCall, (rest) => rest.length)) {
    await repairKeys(
      broker,
      queue,
      some.map((rest) => ({ rest, ripe: true })),
      options,
    );
  }
  const counters = rests.filter((rest) => /^(processed|failed):\d{4}-\d\d-\d\d$/.test(rest));
  const left = page.keys.filter((_, i) => !isKnown(rests[i]!));
  return { cursor: page.cursor, deleted, counters, left };
}

function isKnown(rest: string): boolean {
  return (
    rest in queueKeyKinds ||
    /^(t|unique|g|processed|failed|js:call|js:cron):/.test(rest) ||
    ["paused", "processed", "failed", "js:repair"].includes(rest)
  );
}

/** The last step; whether the queue was empty, and is gone. */
async function removeRest(broker: Broker, queue: string, oldCounters: readonly string[], options: SendOptions): Promise<boolean> {
  const nowMs = broker.clock.nowMs();
  const prefix = queuePrefix(queue);
  const ofDays = Array.from({ length: days + 1 }, (_, i) => utcDay(nowMs + dayMs - i * dayMs)).flatMap((day) => [
    processedKey(queue, day),
    failedKey(queue, day),
  ]);
  const rests = new Set([...ofDays.map((key) => key.slice(prefix.length)), ...oldCounters]);
  const [verdict] = await run(
    broker,
    bind(removeQueueScript, {
      queue,
      keys: {
        lease: leaseKey(queue),
        paused: pausedKey(queue),
        processed_total: processedTotalKey(queue),
        failed_total: failedTotalKey(queue),
        cursor: repairCursorKey(queue),
      },
      args: { prefix },
      items: [...rests].map((rest) => ({ rest })),
    }),
    options,
  );
  return verdict === "removed";
}
