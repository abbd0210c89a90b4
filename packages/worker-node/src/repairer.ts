import { type Broker, repair } from "@asynqjs/core";
import type { Settings } from "./config.ts";
import { seldom } from "./logger.ts";
import type { Counters } from "./metrics.ts";
import { type Component, ticker } from "./ticker.ts";

/**
 * Mends what Go's scripts, evictions and restored backups leave behind, every 5 minutes from one interval after the start on; `onMoved` is
 * told of it. Asynq has none.
 */
export function repairer(
  broker: Broker,
  settings: Settings & { readonly repairIntervalMs: number },
  counters: Counters,
  onMoved: () => void,
): Component {
  const { clock, logger, repairIntervalMs } = settings;
  const warn = seldom(clock, logger.warn, 30_000);
  const queues = Object.keys(settings.queues);
  return ticker("repairer", clock, { everyMs: repairIntervalMs, first: "after one interval" }, async (signal) => {
    try {
      const { more: _, errors, dangling, ...mended } = await repair(broker, { queues, signal });
      const repaired = Object.values(mended).reduce((sum, count) => sum + count, 0);
      counters.add("repaired", repaired);
      if (repaired > 0) onMoved();
      counters.add("dangling", dangling);
      if (repaired + dangling > 0) logger.warn("repairer mended what was left behind", { ...mended, dangling });
      // What was given up at a shutdown was refused by nobody.
      if (signal.aborted) return;
      counters.add("repairErrors", errors.length);
      for (const { queue, error } of errors) warn("repairer could not serve a queue", { queue, error: error.message });
    } catch (error) {
      if (signal.aborted) return;
      counters.add("repairErrors");
      warn("repairer failed", { error: (error as Error).message });
    }
  });
}
