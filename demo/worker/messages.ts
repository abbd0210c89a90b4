import type { TicksReport } from "@asynqjs/cron-fn";

/** What the process that serves the Workers says first: where the edge Worker takes requests. */
export interface WorkersReady {
  readonly url: string;
}

/** What it tells of the cron Worker: its trigger was rung, a run of it logged what it did. */
export type CronMessage =
  | { readonly kind: "rung" }
  | {
      readonly kind: "report";
      /** The minute it was rung for last, by the shop's clock. */
      readonly minuteMs: number;
      readonly report: TicksReport;
    };
