import type { AggregationSet } from "../broker/aggregation-check.ts";
import { deleteAggregated } from "../broker/delete-aggregated.ts";
import { readAggregationSet } from "../broker/read-aggregation-set.ts";
import { replaceAggregationSet } from "../broker/replace-aggregation-set.ts";
import { type SetAsideReport, setMembersAside, type UnfitMember } from "../broker/set-members-aside.ts";
import type { Broker } from "../broker.ts";
import { AggregationSetLostError, DuplicateTaskError, InvalidOptionError, TaskIdConflictError } from "../errors.ts";
import { GroupedTask } from "../grouped-task.ts";
import { uniqueKey } from "../keys.ts";
import { composeTask, defaultQueue, type NewTask } from "../options.ts";
import type { Task } from "../task.ts";
import { decodeTaskMessage } from "../wire/decode-task-message.ts";
import { holdSet } from "./hold-set.ts";

/** What an aggregator may ask besides the tasks. */
export interface AggregationContext {
  readonly queue: string;
  /** Aborts when the result is not wanted any more: the tasks went back to their group, the time is over, the server shuts down. */
  readonly signal: AbortSignal;
}

/**
 * Makes one task of the tasks of a group, oldest first by the second they came. The task goes to the group's queue, whatever it says; its
 * other options count: with a group it waits to be aggregated again, with a time it is scheduled. Where the function throws or answers no
 * task, the tasks go back to their group two minutes later: none is lost, and the next try comes by itself. It may be called again for the
 * same tasks after a crash; the task it answers is enqueued once.
 * @see Asynq aggregator.go, `GroupAggregator`
 */
export type GroupAggregator = (group: string, tasks: readonly GroupedTask[], context: AggregationContext) => Task | Promise<Task>;

export interface SetOptions {
  readonly aggregator: GroupAggregator;
  readonly timeoutSec: number;
  readonly giveUpSignal?: AbortSignal | undefined;
}

/** What became of one set. Where nothing was aggregated its tasks go back to their group, or did already. */
export interface SetReport extends SetAsideReport {
  /** Tasks in whose place an aggregated one stands. */
  readonly aggregated: number;
  readonly error?: Error | undefined;
}

/**
 * Reads a set that was just made, has it aggregated, and puts the answer in its place. What cannot be read is set aside alone; the deadline
 * of the set is extended meanwhile.
 */
export async function aggregateSet(broker: Broker, set: AggregationSet, options: SetOptions): Promise<SetReport> {
  const held = holdSet(broker, set, options);
  let [aggregated, aside]: [number, SetAsideReport] = [0, { quarantined: 0, dangling: 0 }];
  try {
    const { tasks, unfit } = await readTasks(broker, set);
    if (unfit.length > 0) aside = await setMembersAside(broker, set, unfit);
    if (tasks.length > 0) {
      const answer = await held.whileHeld(call(options.aggregator, set, tasks, held.signal));
      const { more, beforeError } = await replace(broker, set, answer);
      aggregated = tasks.length;
      if (more) await deleteRest(broker, set.queue);
      if (beforeError !== undefined) throw beforeError;
    }
    return { ...aside, aggregated };
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error("the aggregator threw what is no error");
    return { ...aside, aggregated, error };
  } finally {
    held.release();
  }
}

async function readTasks(
  broker: Broker,
  set: AggregationSet,
): Promise<{ readonly tasks: readonly GroupedTask[]; readonly unfit: readonly UnfitMember[] }> {
  const tasks: GroupedTask[] = [];
  const unfit: UnfitMember[] = [];
  let first = 0;
  for (let more = true; more; ) {
    const page = await readAggregationSet(broker, set, first);
    for (const { id, msg } of page.members) {
      if (msg === undefined) {
        unfit.push({ id });
        continue;
      }
      try {
        tasks.push(new GroupedTask(decodeTaskMessage(msg, `the message of task "${id}" of queue "${set.queue}"`)));
      } catch (error) {
        unfit.push({ id, why: (error as Error).message });
      }
    }
    first += page.members.length;
    more = page.more;
  }
  return { tasks, unfit };
}

async function call(
  aggregator: GroupAggregator,
  { queue, group }: AggregationSet,
  tasks: readonly GroupedTask[],
  signal: AbortSignal,
): Promise<Task> {
  const task: Task | undefined = await aggregator(group, tasks, { queue, signal });
  // By its shape: two copies of a package make two classes.
  if (typeof task?.type !== "string") throw new InvalidOptionError("aggregator", "expected it to answer a task");
  return task;
}

/**
 * Answers whether tasks of the set are left to be deleted, and why the queue's name could not be written.
 * @throws whatever kept the task from taking the set's place
 */
async function replace(broker: Broker, set: AggregationSet, task: Task): Promise<{ more: boolean; beforeError: Error | undefined }> {
  const { queue, group } = set;
  const composed = composeFor(queue, task, broker);
  const { value, beforeError, error } = await replaceAggregationSet(broker, set, composed);
  if (error !== undefined) throw error;
  switch (value.verdict) {
    case "replaced":
      return { more: value.more, beforeError };
    case "set-lost":
      throw new AggregationSetLostError(queue, group);
    case "task-id-conflict":
      throw new TaskIdConflictError(queue, composed.message.id);
    case "duplicate-task":
      throw new DuplicateTaskError(queue, task.type);
  }
}

/** A task of a queue that is in use, so its name is not looked at: Go allows some that we would not begin. */
function composeFor(queue: string, task: Task, broker: Broker): NewTask {
  const { message, ...where } = composeTask(task, { queue: defaultQueue }, broker);
  const lock = message.uniqueKey === undefined ? undefined : uniqueKey(queue, task.type, task.payload);
  return { ...where, message: { ...message, queue, uniqueKey: lock } };
}

async function deleteRest(broker: Broker, queue: string): Promise<void> {
  for (let more = true; more; ) {
    const [rest] = await deleteAggregated(broker, [queue]);
    if (rest!.error !== undefined) throw rest!.error;
    more = rest!.value.more;
  }
}
