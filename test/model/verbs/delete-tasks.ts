/** Deleting what is over: with the locks it still holds, and never a task that is elsewhere by now. @module */
import { type Answer, recorded, unrecorded, wrongKind } from "../call.ts";
import type { Keyspace } from "../keyspace.ts";
import { groupOfSet, layoutOf, secOf, taskAt } from "../layout.ts";
import { firstOf, nextSecOf } from "./next-sec.ts";
import type { KeptLimits } from "./settle.ts";

/** Gives a lock back if that task holds it. */
export function releaseLock(k: Keyspace, lock: string, id: string): void {
  if (k.text(lock) === id) k.drop(lock);
}

/** Takes ids out of a sorted set, and deletes those tasks that are where the set says they are. Answers how many. */
function deleteTasks(k: Keyspace, queue: string, container: string, ids: readonly string[], state: string, group?: string): number {
  let deleted = 0;
  for (const id of ids) {
    const key = taskAt(queue, id);
    const ofGroup = k.field(key, "group") || undefined;
    k.removeScore(container, id);
    if (k.field(key, "state") !== state || (group !== undefined && ofGroup !== undefined && ofGroup !== group)) continue;
    const lock = k.field(key, "unique_key");
    if (lock) releaseLock(k, lock, id);
    k.drop(key);
    deleted++;
  }
  return deleted;
}

/** Drops archived tasks that are too old, then those that are too many: one fewer than the limit stays. Never one of `keep`. */
export function trimArchive(
  k: Keyspace,
  queue: string,
  { archiveMaxAgeSec, archiveMaxSize }: KeptLimits,
  nowMs: number,
  { keep, limit }: { readonly keep: ReadonlySet<string>; readonly limit: number },
): { trimmed: number; more: boolean } {
  const { archived } = layoutOf(queue);
  const cutoffSec = secOf(nowMs) - archiveMaxAgeSec;
  let [trimmed, more] = [0, false];
  const drop = (found: readonly string[]): void => {
    const ids = found.filter((id) => !keep.has(id));
    deleteTasks(k, queue, archived, ids, "archived");
    trimmed += ids.length;
    more ||= ids.length === limit;
  };
  const ids = (): string[] => k.ranked(archived).map(([id]) => id);
  const tooOld = k.ranked(archived).filter(([, score]) => score <= cutoffSec);
  drop(tooOld.slice(0, limit).map(([id]) => id));
  const over = ids().length - (archiveMaxSize - 1);
  if (over > 0) drop(ids().slice(0, Math.min(over, limit)));
  return { trimmed, more };
}

/** completed | archived -> gone. */
export function deleteExpiredTasks(k: Keyspace, queue: string, limits: KeptLimits, nowMs: number, batchSize: number): Answer {
  const { completed, archived } = layoutOf(queue);
  if (!k.fits("zset", completed) || !k.fits("zset", archived)) return wrongKind;
  const ids = k.ranked(completed).filter(([, score]) => score <= secOf(nowMs));
  const some = ids.slice(0, batchSize).map(([id]) => id);
  const expired = deleteTasks(k, queue, completed, some, "completed");
  let dangling = some.length - expired;
  let more = some.length === batchSize;
  let completedTrimmed = 0;
  const over = k.ranked(completed).length - (limits.completedMaxSize ?? Number.POSITIVE_INFINITY);
  if (!more && over > 0) {
    const first = k.ranked(completed).slice(0, Math.min(over, batchSize));
    completedTrimmed = deleteTasks(
      k,
      queue,
      completed,
      first.map(([id]) => id),
      "completed",
    );
    dangling += first.length - completedTrimmed;
    more = over > batchSize;
  }
  const { trimmed, more: moreArchived } = trimArchive(k, queue, limits, nowMs, { keep: new Set(), limit: batchSize });
  more ||= moreArchived;
  const oldestSec = nextSecOf(k, archived, more);
  const nextSec = firstOf([nextSecOf(k, completed, more), oldestSec === undefined ? undefined : oldestSec + limits.archiveMaxAgeSec]);
  const counts = { expired, completedTrimmed, trimmed, dangling, more, nextSec };
  return expired + completedTrimmed + trimmed + dangling > 0 ? recorded(counts) : unrecorded(counts);
}

/** aggregating in a set -> gone, of the set that was replaced first. */
export function deleteAggregatedTasks(k: Keyspace, queue: string): Answer {
  const { aggregated } = layoutOf(queue);
  if (!k.fits("zset", aggregated)) return wrongKind;
  const [first] = k.ranked(aggregated);
  if (first === undefined) return unrecorded({ deleted: 0, more: false });
  return recorded({ deleted: deleteSet(k, queue, first[0]), more: k.has(aggregated) });
}

/** Deletes the tasks of a set for which an aggregated one stands. */
export function deleteSet(k: Keyspace, queue: string, setKey: string): number {
  const ids = k.ranked(setKey).map(([id]) => id);
  const deleted = deleteTasks(k, queue, setKey, ids, "aggregating", groupOfSet(queue, setKey));
  k.removeScore(layoutOf(queue).aggregated, setKey);
  return deleted;
}
