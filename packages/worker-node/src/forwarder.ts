import { type Broker, forward } from "@asynqjs/core";
import type { Settings } from "./config.ts";
import { seldom } from "./logger.ts";
import type { Counters } from "./metrics.ts";
import { type Component, ticker } from "./ticker.ts";

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
  const { clock, logger } = settings;
  const warn = seldom(clock, logger.warn, 30_000);
  const queues = Object.keys(settings.queues);
  return ticker("forwarder", clock, { everyMs: settings.forwardIntervalMs, first: "after one interval" }, async (signal) => {
    try {
      const { forwarded, dangling, quarantined, errors } = await forward(broker, { queues, signal });
      counters.add("forwarded", forwarded);
      if (forwarded > 0) onMoved();
      counters.add("dangling", dangling);
      counters.add("quarantined", quarantined);
      if (dangling + quarantined > 0) logger.warn("forwarder met tasks without a usable hash or message", { dangling, quarantined });
      // What was given up at a shutdown was refused by nobody.
      if (signal.aborted) return;
      counters.add("forwardErrors", errors.length);
      for (const { queue, error } of errors) warn("forwarder could not serve a queue", { queue, error: error.message });
    } catch (error) {
      if (signal.aborted) return;
      counters.add("forwardErrors");
      warn("forwarder failed", { error: (error as Error).message });
    }
  });
}
