import { workOf } from "../cron-work.ts";
import { reportType } from "../shop.ts";
import type { CronMessage } from "../worker/messages.ts";
import type { RunMessage } from "../worker-node/messages.ts";
import { cronLine } from "./cron-line.ts";
import { runLine } from "./run-line.ts";
import type { Screen } from "./screen.ts";

/** Says a line for each run of a handler and of the cron Worker. */
export interface Announcer {
  onRun(run: RunMessage): void;
  onReport(message: CronMessage & { readonly kind: "report" }): void;
  /** From now on what comes every minute is no line of its own: the last report is in `lastReport`. */
  quieten(): void;
  /** From now on nothing is: what is said last stays last. */
  mute(): void;
  readonly lastReport: string | undefined;
}

export function announcer(screen: Screen): Announcer {
  let isQuiet = false;
  let isMute = false;
  const say = (line: string): void => {
    if (!isMute) screen.say(line);
  };
  let lastReport: string | undefined;
  return {
    onRun(run) {
      if (run.type === reportType) lastReport = run.what;
      if (!isQuiet || run.type !== reportType) say(runLine(run, screen));
    },
    onReport(message) {
      const { forwarded, recovered, aggregated } = workOf(message.report);
      const line = cronLine(message, screen.paint);
      const isRare = forwarded + recovered + aggregated + message.report.failed.length > 0;
      if (line !== undefined && (!isQuiet || isRare)) say(line);
    },
    quieten() {
      isQuiet = true;
    },
    mute() {
      isMute = true;
    },
    get lastReport() {
      return lastReport;
    },
  };
}
