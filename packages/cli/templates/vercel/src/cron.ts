/** What is enqueued by the clock, and when. */
import type { CronEntryOptions } from "@asynqjs/core/cron";
import type { Report } from "./tasks.ts";

export default [
  { id: "report", spec: "* * * * *", timeZone: "UTC", type: "report:send", payload: { of: "minute" } satisfies Report },
] satisfies CronEntryOptions[];
