/** What is enqueued by the clock, and when. */
import type { CronEntryOptions } from "@asynqjs/core/cron";
import { report } from "./tasks.ts";

export default [
  { id: "report", spec: "* * * * *", timeZone: "UTC", type: report.type, payload: { of: "minute" } },
] satisfies CronEntryOptions[];
