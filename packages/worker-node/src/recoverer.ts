import { type Broker, recover } from "@asynqjs/core";
import type { Settings } from "./config.ts";
import { seldom } from "./logger.ts";
import type { Counters } from "./metrics.ts";
import { type Component, ticker } from "./ticker.ts";

/** Takes back tasks whose worker or aggregator was lost, at start and then every minute. @see Asynq recoverer.go */
export function recoverer(broker: Broker, settings: Settings & { readonly recoverIntervalMs: number }, counters: Counters): Component {
  const { clock, logger, recoverNoRetry } = settings;
  const warn = seldom(clock, logger.warn, 30_000);
  const queues = Object.keys(settings.queues);
  return ticker("recoverer", clock, { everyMs: settings.recoverIntervalMs, first: "at once" }, async (signal) => {
    try {
      const { recovered, archived, quarantined, dangling, reclaimed, trimmed, errors } = await recover(broker, {
        queues,
        recoverNoRetry,
        signal,
      });
      counters.add("recovered", recovered);
      counters.add("recoveredArchived", archived);
      counters.add("quarantined", quarantined);
      counters.add("dangling", dangling);
      counters.add("reclaimed", reclaimed);
      counters.add("trimmed", trimmed);
      if (recovered + archived + quarantined + dangling > 0)
        logger.warn("recoverer took back tasks of lost workers", { recovered, archived, quarantined, dangling });
      if (reclaimed > 0) logger.warn("recoverer gave tasks back to their groups that nobody aggregated in time", { reclaimed });
      if (trimmed > 0) logger.warn("archived tasks were trimmed", { trimmed });
      // What was given up at a shutdown was refused by nobody.
      if (signal.aborted) return;
      counters.add("recoverErrors", errors.length);
      for (const { queue, error } of errors) warn("recoverer could not serve a queue", { queue, error: error.message });
    } catch (error) {
      if (signal.aborted) return;
      counters.add("recoverErrors");
      warn("recoverer failed", { error: (error as Error).message });
    }
  });
}
