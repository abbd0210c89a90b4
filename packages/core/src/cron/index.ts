/**
 * Cron entries: what their specs say, the verbs that change those in Redis, and the tick that fires their slots exactly once. Apart from the
 * rest, since a client that enqueues needs none of it.
 * @module
 */
export * from "../ticks/schedule.ts";
export * from "./add-cron-entry.ts";
export * from "./claim-slots.ts";
export * from "./cron-entry.ts";
export * from "./cron-spec.ts";
export * from "./decide-slots.ts";
export * from "./edit-cron-entry.ts";
export * from "./entry-id.ts";
export * from "./fire-due.ts";
export { printGoDuration, type ReadDuration, readGoDuration } from "./go-duration.ts";
export { quoteAsGo, quoteAsGoTime } from "./go-quote.ts";
export * from "./list-cron-entries.ts";
export * from "./make-cron-task.ts";
export * from "./move-claim.ts";
export * from "./open-claims.ts";
export * from "./option-text.ts";
export * from "./pause-cron-entry.ts";
export * from "./read-claims.ts";
export * from "./read-cron-entry.ts";
export * from "./reconcile-cron-entries.ts";
export * from "./remove-cron-entry.ts";
export * from "./run-cron-entry.ts";
export * from "./seal-claims.ts";
export * from "./tell-entries.ts";
export * from "./write-cron-entry.ts";
