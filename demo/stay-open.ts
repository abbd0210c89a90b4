import type { Announcer } from "./draw/announcer.ts";
import { clockLine, openLine } from "./draw/clock-lines.ts";
import { whatToTry } from "./draw/closing.ts";
import type { Screen } from "./draw/screen.ts";
import type { Shop } from "./open-shop.ts";
import { addReportEntry } from "./report-entry.ts";
import { queues } from "./shop.ts";
import { waitForQueues } from "./wait-for-queues.ts";

export interface StayOpenOptions {
  readonly screen: Screen;
  readonly announce: Announcer;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Told that the Node worker is gone. */
  readonly complain: (what: string) => void;
}

/** Lets its user send requests until Ctrl-C, the clock running and the cron entry firing below what was said. */
export async function stayOpen(shop: Shop, { screen, announce, signal, complain }: StayOpenOptions): Promise<void> {
  const { paint } = screen;
  announce.quieten();
  for (const line of ["", ...whatToTry(shop.url, shop.redisUrl, paint)]) screen.say(line);
  void shop.worker.gone.then((how) => signal.aborted || complain(`the Node worker ${how}`));
  await addReportEntry(shop.broker);
  await waitForQueues(shop.redis, Object.keys(queues), {
    enough: () => false,
    look: (counts) =>
      screen.redraw(["", clockLine(shop.clock.nowMs(), shop.cronWork, paint), openLine(counts, announce.lastReport, paint)]),
    signal,
  });
}
