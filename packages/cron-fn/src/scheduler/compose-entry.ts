import { demand, type EnqueueOptions, mergeOptions, type Task } from "@asynqjs/core";
import { type CatchUp, type CronEntry, checkCronEntry, entryIdOf, type Overlap } from "@asynqjs/core/cron";

/** What is said of a periodic task besides its spec: options of each task, as at enqueue, and of the entry. */
export interface RegisterOptions extends Omit<EnqueueOptions, "taskId" | "processAt"> {
  /**
   * Unique among all entries on this Redis. Default: made of all that is said of the entry, so that it is the same in every process. With
   * one of your own, other times go on where the last of the earlier ones was: what lies between is on time, or missed.
   */
  readonly entryId?: string | undefined;
  /** What becomes of slots for which no scheduler was up. Default `"skip"`, as in Asynq. */
  readonly catchUp?: CatchUp | undefined;
  /** How old a missed slot may be to be caught up, seconds. Default 86,400. */
  readonly windowSec?: number | undefined;
  /** What becomes of a slot while the task of an earlier one is not over. Default `"allow"`, as in Asynq. */
  readonly overlap?: Overlap | undefined;
  /** By how much a task may be later than its slot, seconds. Default 0. */
  readonly jitterSec?: number | undefined;
}

/** Goes by one epoch for ever: whoever registers the same has the same claim. Those of entries in Redis are higher, and refuse it. */
const epoch = 0;

/**
 * The entry of a task that is registered in a process. `@every` counts from 1970 on, so that all processes agree on its slots.
 * @throws {InvalidOptionError} names the option @throws {CronSpecError}
 */
export function composeEntry(spec: string, task: Task, given: RegisterOptions, timeZone: string): CronEntry {
  const { entryId, catchUp = "skip", windowSec, overlap, jitterSec, ...enqueueOptions } = given;
  const { taskId, processAt, queue, headers, ...options } = mergeOptions(Object(task).options ?? {}, enqueueOptions);
  demand(taskId === undefined, "taskId", "expected none: the id of a periodic task is made of its entry and its slot; see overlap");
  demand(processAt === undefined, "processAt", "expected none: a periodic task is due at its slot; see processInSec");
  const { type, payload } = task;
  const terms = checkCronEntry({
    ...{ id: entryId ?? "made below", spec, timeZone, type, payload, headers, queue, options },
    ...{ catchUp, windowSec, overlap, jitterSec },
  });
  const id = entryId ?? entryIdOf(terms);
  return { ...terms, id, version: "", sinceSec: 0, epoch, from: [], removed: false };
}
