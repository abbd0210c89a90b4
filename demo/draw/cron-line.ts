import { type CronWork, workOf } from "../cron-work.ts";
import { wallTime } from "../shop-clock.ts";
import type { CronMessage } from "../worker/messages.ts";
import type { Paint } from "./screen.ts";

type Done = Pick<CronWork, "fired" | "forwarded" | "recovered" | "aggregated" | "digests">;

/** A line about a run of the cron Worker; nothing where it had nothing to do. What failed in it is for the next run to do. */
export function cronLine({ minuteMs, report }: CronMessage & { kind: "report" }, paint: Paint): string | undefined {
  const failed = report.failed.map(({ tick, error }) => paint("red", `${tick} failed: ${error.message}`));
  const done = [whatItDid(workOf(report), paint), ...failed].filter(Boolean).join(", ");
  return done === "" ? undefined : `${paint("cyan", "◷")} ${"cron Worker".padEnd(17)}  ${wallTime(minuteMs).slice(0, 5)} ${done}`;
}

/** What it did, in words; what it did not left out. */
export function whatItDid({ fired, forwarded, recovered, aggregated, digests }: Done, paint: Paint): string {
  return [
    fired > 0 && `${fired} fired`,
    forwarded > 0 && `${forwarded} forwarded`,
    recovered > 0 && paint("yellow", `${recovered} taken back`),
    aggregated > 0 && `${aggregated} gathered in ${digests}`,
  ]
    .filter(Boolean)
    .join(", ");
}
