import { type Broker, forward, retryKey, scheduledKey } from "@asynqjs/core";
import type { Changes } from "./changes.ts";
import type { Settings } from "./config.ts";
import { housekeeper } from "./housekeeper.ts";
import type { Counters } from "./metrics.ts";
import type { Component } from "./ticker.ts";

/**
 * Makes due scheduled and retry tasks pending, every 5 s from one interval after the start on; where it is told of changes, while there are
 * none, when the next one is due, and every minute. Nobody is told by Redis of what its own connection changed, so `onMoved` is.
 * @see Asynq forwarder.go
 */
export function forwarder(
  broker: Broker,
  settings: Settings & { readonly forwardIntervalMs: number },
  counters: Counters,
  onMoved: () => void,
  changes: Changes,
): Component {
  const { logger } = settings;
  const queues = Object.keys(settings.queues);
  const rhythm = { everyMs: settings.forwardIntervalMs, first: "after one interval" } as const;
  const rest = { changes, keys: queues.flatMap((queue) => [scheduledKey(queue), retryKey(queue)]), longestMs: 60_000 };
  return housekeeper("forwarder", settings, { ...rhythm, rest, counters, errors: "forwardErrors" }, async (signal) => {
    const report = await forward(broker, { queues, signal });
    const { forwarded, dangling, quarantined } = report;
    counters.add("forwarded", forwarded);
    if (forwarded > 0) onMoved();
    counters.add("dangling", dangling);
    counters.add("quarantined", quarantined);
    if (dangling + quarantined > 0) logger.warn("forwarder met tasks without a usable hash or message", { dangling, quarantined });
    return report;
  });
}
