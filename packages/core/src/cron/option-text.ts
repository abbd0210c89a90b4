import type { CronEntry } from "./cron-entry.ts";

/** What is said of an entry's tasks, in Asynq's text form, as its CLI and dashboards show it. @see Asynq client.go, the `String` of each option */
export function optionTexts({ queue, options }: CronEntry): string[] {
  return [`Queue(${JSON.stringify(queue)})`, ...(options.maxRetry === undefined ? [] : [`MaxRetry(${options.maxRetry})`])];
}
