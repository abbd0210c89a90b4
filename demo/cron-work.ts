import type { TicksReport } from "@asynqjs/cron-fn";
import type { CronMessage } from "./worker/messages.ts";

/** What the cron Worker did since the shop opened, as its own reports say. */
export interface CronWork {
  /** How often its trigger was rung. */
  readonly rung: number;
  /** How many runs told what they did. */
  readonly reports: number;
  /** Slots of the cron entry for which a task was enqueued. */
  readonly fired: number;
  /** Tasks whose time had come. */
  readonly forwarded: number;
  /** Tasks taken back from a lost worker. */
  readonly recovered: number;
  /** Tasks that became a part of a digest. */
  readonly aggregated: number;
  readonly digests: number;
}

export const noWork: CronWork = { rung: 0, reports: 0, fired: 0, forwarded: 0, recovered: 0, aggregated: 0, digests: 0 };

/** The work with what a message tells of it. */
export function addWork(work: CronWork, message: CronMessage): CronWork {
  if (message.kind === "rung") return { ...work, rung: work.rung + 1 };
  const { fired, forwarded, recovered, aggregated, digests } = workOf(message.report);
  return {
    ...work,
    reports: work.reports + 1,
    fired: work.fired + fired,
    forwarded: work.forwarded + forwarded,
    recovered: work.recovered + recovered,
    aggregated: work.aggregated + aggregated,
    digests: work.digests + digests,
  };
}

/** What one run did. */
export function workOf({
  schedule,
  forward,
  recover,
  aggregate,
}: TicksReport): Pick<CronWork, "fired" | "forwarded" | "recovered" | "aggregated" | "digests"> {
  return {
    fired: schedule?.fired ?? 0,
    forwarded: forward?.forwarded ?? 0,
    recovered: recover?.recovered ?? 0,
    aggregated: aggregate?.aggregated ?? 0,
    digests: aggregate?.sets ?? 0,
  };
}

/** What it should have done and did not, a line each: `lost` tasks were held by workers that were killed, `reviews` are to be in digests. */
export function whatIsMissing(work: CronWork, { lost, reviews }: { readonly lost: number; readonly reviews: number }): string[] {
  return [
    ...(work.fired > 0 ? [] : ["fired no slot of the cron entry"]),
    ...(work.forwarded > 0 ? [] : ["made no task ready"]),
    ...(work.recovered >= lost ? [] : [`took back ${work.recovered} of ${lost} tasks that lost workers held`]),
    ...(work.aggregated === reviews ? [] : [`gathered ${work.aggregated} tasks, should be ${reviews}`]),
  ].map((what) => `the cron Worker ${what}`);
}
