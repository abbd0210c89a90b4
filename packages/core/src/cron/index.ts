/** Cron entries: what their specs say. Apart from the rest, since a client that enqueues needs none of it. @module */
export * from "./cron-spec.ts";
export * from "./option-text.ts";
