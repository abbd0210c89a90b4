import { type Broker, recover } from "@asynqjs/core";
import type { Settings } from "./config.ts";
import { housekeeper } from "./housekeeper.ts";
import type { Counters } from "./metrics.ts";
import type { Component } from "./ticker.ts";

/** Takes back tasks whose worker or aggregator was lost, at start and then every minute. @see Asynq recoverer.go */
export function recoverer(broker: Broker, settings: Settings & { readonly recoverIntervalMs: number }, counters: Counters): Component {
  const { logger, recoverNoRetry } = settings;
  const queues = Object.keys(settings.queues);
  const rhythm = { everyMs: settings.recoverIntervalMs, first: "at once" } as const;
  return housekeeper("recoverer", settings, { ...rhythm, counters, errors: "recoverErrors" }, async (signal) => {
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
    return errors;
  });
}
