/**
 * Every way a task goes from one state to another, as data: it types what operations take and answer, `docs/state-machine.md` is drawn from
 * it, and a test makes each of them happen.
 * @module
 */
import type { TaskState } from "./task.ts";

/** Asynq's seven states, ours, and no task at all. */
export type Place = TaskState | "js:quarantine" | "none";

export interface Transition {
  readonly from: Place;
  readonly to: Place;
  /** The operation of core that makes it. */
  readonly by: string;
  /** What has to be so. */
  readonly when: string;
}

/** All of them. An operation that is not here moves no task. */
export const transitions = [
  { from: "none", to: "pending", by: "enqueue", when: "due at once" },
  { from: "none", to: "scheduled", by: "enqueue", when: "due later" },
  { from: "none", to: "aggregating", by: "enqueue", when: "in a group, due at once" },

  { from: "scheduled", to: "pending", by: "forwardDue", when: "due" },
  { from: "retry", to: "pending", by: "forwardDue", when: "due" },
  { from: "scheduled", to: "aggregating", by: "forwardDue", when: "due, was in a group before" },
  { from: "retry", to: "aggregating", by: "forwardDue", when: "due, was in a group before" },
  { from: "scheduled", to: "js:quarantine", by: "forwardDue", when: "its group's key is no group" },
  { from: "retry", to: "js:quarantine", by: "forwardDue", when: "its group's key is no group" },

  { from: "pending", to: "active", by: "dequeue", when: "a worker takes it" },
  { from: "pending", to: "scheduled", by: "dequeue", when: "it lost a worker before, and another such task runs" },

  { from: "active", to: "none", by: "settle", when: "succeeded without retention, or revoked" },
  { from: "active", to: "completed", by: "settle", when: "succeeded with retention" },
  { from: "active", to: "retry", by: "settle", when: "failed, or its worker was lost" },
  { from: "active", to: "archived", by: "settle", when: "failed for good, or lost three workers" },
  { from: "active", to: "pending", by: "settle", when: "handed back at a shutdown" },
  { from: "active", to: "scheduled", by: "settle", when: "no handler here for its type" },
  { from: "active", to: "js:quarantine", by: "settle", when: "cannot be read" },
  { from: "archived", to: "none", by: "settle", when: "too old or too many, as another is archived" },

  { from: "aggregating", to: "none", by: "replaceAggregationSet", when: "an aggregated task takes its place" },
  { from: "aggregating", to: "none", by: "deleteAggregated", when: "of a large set that was replaced" },
  { from: "aggregating", to: "js:quarantine", by: "setMembersAside", when: "cannot be read" },

  { from: "completed", to: "none", by: "deleteExpired", when: "its retention is over" },
  { from: "archived", to: "none", by: "deleteExpired", when: "too old or too many" },

  { from: "js:quarantine", to: "pending", by: "releaseQuarantined", when: "somebody says so" },
  { from: "js:quarantine", to: "aggregating", by: "releaseQuarantined", when: "somebody says so, came out of a group" },
  { from: "js:quarantine", to: "none", by: "deleteQuarantined", when: "somebody says so" },

  { from: "scheduled", to: "pending", by: "runTasks", when: "somebody says so" },
  { from: "retry", to: "pending", by: "runTasks", when: "somebody says so" },
  { from: "archived", to: "pending", by: "runTasks", when: "somebody says so" },
  { from: "completed", to: "pending", by: "runTasks", when: "somebody says so" },
  { from: "aggregating", to: "pending", by: "runTasks", when: "somebody says so" },

  { from: "archived", to: "pending", by: "redriveTasks", when: "somebody says so" },
  { from: "retry", to: "pending", by: "redriveTasks", when: "somebody says so" },
  { from: "pending", to: "scheduled", by: "rescheduleTasks", when: "somebody says so" },
  { from: "aggregating", to: "scheduled", by: "rescheduleTasks", when: "somebody says so" },

  { from: "pending", to: "archived", by: "archiveTasks", when: "somebody says so" },
  { from: "scheduled", to: "archived", by: "archiveTasks", when: "somebody says so" },
  { from: "retry", to: "archived", by: "archiveTasks", when: "somebody says so" },
  { from: "completed", to: "archived", by: "archiveTasks", when: "somebody says so" },
  { from: "aggregating", to: "archived", by: "archiveTasks", when: "somebody says so" },
  { from: "archived", to: "none", by: "archiveTasks", when: "too old or too many, as another is archived" },

  { from: "pending", to: "none", by: "deleteTasks", when: "somebody says so" },
  { from: "scheduled", to: "none", by: "deleteTasks", when: "somebody says so" },
  { from: "retry", to: "none", by: "deleteTasks", when: "somebody says so" },
  { from: "archived", to: "none", by: "deleteTasks", when: "somebody says so" },
  { from: "completed", to: "none", by: "deleteTasks", when: "somebody says so" },
  { from: "aggregating", to: "none", by: "deleteTasks", when: "somebody says so" },

  { from: "pending", to: "none", by: "removeQueue", when: "its queue is removed" },
  { from: "scheduled", to: "none", by: "removeQueue", when: "its queue is removed" },
  { from: "retry", to: "none", by: "removeQueue", when: "its queue is removed" },
  { from: "archived", to: "none", by: "removeQueue", when: "its queue is removed" },
  { from: "completed", to: "none", by: "removeQueue", when: "its queue is removed" },
  { from: "aggregating", to: "none", by: "removeQueue", when: "its queue is removed" },
  { from: "js:quarantine", to: "none", by: "removeQueue", when: "its queue is removed" },

  { from: "scheduled", to: "pending", by: "repairKeys", when: "in no container" },
  { from: "retry", to: "pending", by: "repairKeys", when: "in no container" },
  { from: "aggregating", to: "pending", by: "repairKeys", when: "in no container, its group's key is no group" },
  { from: "archived", to: "none", by: "repairKeys", when: "in no container" },
  { from: "completed", to: "none", by: "repairKeys", when: "in no container" },
] as const satisfies readonly Transition[];

type Moves = (typeof transitions)[number];
type Mover = Moves["by"];

/** Where an operation takes tasks from. */
export type TakenBy<By extends Mover> = Extract<Moves, { readonly by: By }>["from"];

/** Where an operation brings tasks, from one state or from any. */
export type BroughtBy<By extends Mover, From extends Place = Place> = Extract<Moves, { readonly by: By; readonly from: From }>["to"];
