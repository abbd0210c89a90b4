import { type Answer, recorded, wrongKind } from "../call.ts";
import type { Keyspace } from "../keyspace.ts";
import { groupAt, layoutOf, nsOf, secOf, taskAt } from "../layout.ts";

/** A task as it is to be stored. */
export interface StoredTask {
  readonly id: string;
  readonly msg: string;
  readonly processAtSec: number | undefined;
  /** The group it waits in; absent for one that is due later. */
  readonly group: string | undefined;
  readonly lock: string | undefined;
  readonly lockTtlSec: number | undefined;
}

/** none -> pending | scheduled | aggregating, one after the other; a task further down sees those before it. */
export function enqueueTasks(k: Keyspace, queue: string, tasks: readonly StoredTask[], nowMs: number): Answer {
  const { pending, scheduled, groups } = layoutOf(queue);
  const isGroup = ({ group }: StoredTask): boolean => group === undefined || k.fits("zset", groupAt(queue, group));
  if (!k.fits("list", pending) || !k.fits("zset", scheduled) || !k.fits("set", groups) || !tasks.every(isGroup)) return wrongKind;
  return recorded(tasks.map((task) => enqueueTask(k, queue, task, nowMs)));
}

/** The lock is looked at before the id, and taken only with the task. */
export function enqueueTask(k: Keyspace, queue: string, task: StoredTask, nowMs: number): string {
  const { pending, scheduled, groups } = layoutOf(queue);
  const { id, msg, processAtSec, group, lock, lockTtlSec } = task;
  const key = taskAt(queue, id);
  if (lock !== undefined && k.has(lock)) return "duplicate-task";
  if (k.has(key)) return "task-id-conflict";
  if (processAtSec !== undefined) {
    k.setFields(key, { msg, state: "scheduled" });
    k.setScore(scheduled, id, processAtSec);
  } else if (group !== undefined) {
    k.setFields(key, { msg, state: "aggregating", group });
    k.setScore(groupAt(queue, group), id, secOf(nowMs));
    k.addMember(groups, group);
  } else {
    k.setFields(key, { msg, state: "pending", pending_since: nsOf(nowMs) });
    k.pushLeft(pending, id);
  }
  if (lock !== undefined) {
    k.setFields(key, { unique_key: lock });
    k.setText(lock, id, lockTtlSec);
  }
  return "enqueued";
}
