import type { QueueCounts } from "../count-tasks.ts";
import type { CronWork } from "../cron-work.ts";
import { shopSpeed, wallTime } from "../shop-clock.ts";
import { whatItDid } from "./cron-line.ts";
import { places } from "./progress.ts";
import type { Paint } from "./screen.ts";

/** What time it is in the shop, how fast that goes, and what the cron Worker did by now. */
export function clockLine(nowMs: number, work: CronWork, paint: Paint): string {
  return `${paint("bold", wallTime(nowMs))}  ×${shopSpeed}, cron Worker: ${whatItDid(work, paint) || "not told yet"}`;
}

/** What is under way in a shop that stays open. */
export function openLine(counts: readonly QueueCounts[], report: string | undefined, paint: Paint): string {
  return `${places(counts, paint) || "all is quiet"}${report === undefined ? "" : paint("dim", ` · last report: ${report}`)}`;
}
