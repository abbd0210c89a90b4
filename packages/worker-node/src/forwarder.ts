import { type Broker, forward } from "@asynqjs/core";
import type { Settings } from "./config.ts";
import { housekeeper } from "./housekeeper.ts";
import type { Counters } from "./metrics.ts";
import type { Component } from "./ticker.ts";

/**
 * Makes due scheduled and retry tasks pending, every 5 s from one interval after the start on. Nobody is told by Redis of what its own
 * connection changed, so `onMoved` is.
 * @see Asynq forwarder.go
 */
export function forwarder(
  broker: Broker,
  settings: Settings & { readonly forwardIntervalMs: number },
  counters: Counters,
  onMoved: () => void,
): Component {
  const { logger } = settings;
  const queues = Object.keys(settings.queues);
  const rhythm = { everyMs: settings.forwardIntervalMs, first: "after one interval" } as const;
  return housekeeper("forwarder", settings, { ...rhythm, counters, errors: "forwardErrors" }, async (signal) => {
    const { forwarded, dangling, quarantined, errors } = await forward(broker, { queues, signal });
    counters.add("forwarded", forwarded);
    if (forwarded > 0) onMoved();
    counters.add("dangling", dangling);
    counters.add("quarantined", quarantined);
    if (dangling + quarantined > 0) logger.warn("forwarder met tasks without a usable hash or message", { dangling, quarantined });
    return errors;
  });
}
