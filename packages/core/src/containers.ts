/**
 * Where tasks stand: the containers that are named after the state of what they hold, and what kind of key each is. A task of a group
 * stands in the sorted set of its group instead, or in an aggregation set.
 * @module
 */
import type { Place } from "./task-state.ts";

/** `asynq:{queue}:<state>` by its kind, those of running tasks first: they are mended first. */
export const stateContainers = {
  active: "list",
  pending: "list",
  scheduled: "zset",
  retry: "zset",
  archived: "zset",
  completed: "zset",
  "js:quarantine": "zset",
} as const satisfies Readonly<Record<Exclude<Place, "aggregating" | "none">, "list" | "zset">>;

export type StateContainer = keyof typeof stateContainers;

/** The keys of a queue that are neither a task, a lock, a group nor a counter, by their kind: the containers and what is kept beside them. */
export const queueKeyKinds: Readonly<Record<string, "list" | "zset" | "set">> = {
  ...stateContainers,
  lease: "zset",
  groups: "set",
  aggregation_sets: "zset",
  "js:aggregated": "zset",
};
