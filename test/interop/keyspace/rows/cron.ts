/** What cron functions and cron entries keep: no history runs or has any, so nothing of it may be there. */
import type { Exception } from "../exceptions.ts";

export const ofCron: readonly Exception[] = [
  { row: "Rare ticks", neverStored: /^asynq:js:ticks$/ },
  { row: "Cron entries", neverStored: /^asynq:js:cron$/ },
  { row: "Claims of cron entries", neverStored: /^asynq:\{.*\}:js:cron:/ },
  { row: "Cron entries that Asynq's tools see", neverStored: /^asynq:schedulers:\{asynqjs:0:cron/ },
];
