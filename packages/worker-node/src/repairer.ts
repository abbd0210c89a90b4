import { type Broker, repair } from "@asynqjs/core";
import type { Settings } from "./config.ts";
import { housekeeper } from "./housekeeper.ts";
import type { Counters } from "./metrics.ts";
import type { Component } from "./ticker.ts";

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
  const { logger, repairIntervalMs } = settings;
  const queues = Object.keys(settings.queues);
  const rhythm = { everyMs: repairIntervalMs, first: "after one interval" } as const;
  return housekeeper("repairer", settings, { ...rhythm, counters, errors: "repairErrors" }, async (signal) => {
    const { more, errors, nextSec: _, dangling, ...mended } = await repair(broker, { queues, signal });
    const repaired = Object.values(mended).reduce((sum, count) => sum + count, 0);
    counters.add("repaired", repaired);
    if (repaired > 0) onMoved();
    counters.add("dangling", dangling);
    if (repaired + dangling > 0) logger.warn("repairer mended what was left behind", { ...mended, dangling });
    return { more, errors };
  });
}
