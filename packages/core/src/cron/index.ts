/** Cron entries in Redis: what they are, the verbs that change them, and the tick that fires their slots exactly once. @module */
export * from "../ticks/schedule.ts";
export * from "./add-cron-entry.ts";
export * from "./claim-slots.ts";
export * from "./cron-entry.ts";
export * from "./cron-spec.ts";
export * from "./decide-slots.ts";
export * from "./fire-due.ts";
export * from "./list-cron-entries.ts";
export * from "./make-cron-task.ts";
export * from "./move-claim.ts";
export * from "./open-claims.ts";
export * from "./option-text.ts";
export * from "./read-claims.ts";
export * from "./read-cron-entry.ts";
export * from "./seal-claims.ts";
export * from "./tell-entries.ts";
export * from "./write-cron-entry.ts";
