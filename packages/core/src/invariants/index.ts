/** What must hold of every keyspace, and what a history of operations must have come to: for `doctor`, for the model, for chaos. @module */
export * from "./confirm-findings.ts";
export * from "./fenced.ts";
export * from "./finding.ts";
export { listStraysScript } from "./list-strays.ts";
export { lookAtGroupsScript } from "./look-at-groups.ts";
export { lookAtLocksScript } from "./look-at-locks.ts";
export { lookAtTasksScript } from "./look-at-tasks.ts";
export * from "./monotone.ts";
export * from "./queue-state.ts";
export { readQueueScript } from "./read-queue.ts";
export * from "./scan-invariants.ts";
export * from "./total-queue.ts";
export * from "./untouched-while-paused.ts";
export * from "./within-bounds.ts";
