/** What is wrong, by what it is seen, and what to do about it: `doctor`. Decides over facts that are gathered in few requests. @module */
export * from "./diagnose.ts";
export * from "./diagnosis.ts";
export * from "./examine.ts";
export * from "./facts.ts";
export * from "./gather-facts.ts";
export { measureQueueScript } from "./measure-queue.ts";
export { type Part, parts } from "./part-commands.ts";
export type { PartLogin } from "./read-logins.ts";
export { sampleTasksScript } from "./sample-tasks.ts";
export * from "./say-examination.ts";
