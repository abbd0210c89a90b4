/** Asynq's maintenance as functions: what its servers need goroutines for, a cron trigger does here. @module */
export * from "./run-ticks.ts";
export * from "./slots-between.ts";
export * from "./tell-report.ts";
export * from "./timetable.ts";
