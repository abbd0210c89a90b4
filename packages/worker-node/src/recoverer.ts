import { aggregationSetsKey, type Broker, leaseKey, recover } from "@asynqjs/core";
import type { Changes } from "./changes.ts";
import type { Settings } from "./config.ts";
import { housekeeper } from "./housekeeper.ts";
import type { Counters } from "./metrics.ts";
import type { Component } from "./ticker.ts";

/** Where it is told of changes it looks so often at least. */
const longestRestMs = 300_000;

/**
 * Takes back tasks whose worker or aggregator was lost, at start and then every minute; where it is told of changes, while nobody takes a task
 * or extends a lease, when the next lease is over, and every five minutes.
 * @see Asynq recoverer.go
 */
export function recoverer(
  broker: Broker,
  settings: Settings & { readonly recoverIntervalMs: number },
  counters: Counters,
  changes: Changes,
): Component {
  const { logger, recoverNoRetry } = settings;
  const queues = Object.keys(settings.queues);
  const rhythm = { everyMs: settings.recoverIntervalMs, first: "at once" } as const;
  const keys = queues.flatMap((queue) => [leaseKey(queue), aggregationSetsKey(queue)]);
  const rest = { changes, keys, longestMs: longestRestMs };
  return housekeeper("recoverer", settings, { ...rhythm, rest, counters, errors: "recoverErrors" }, async (signal) => {
    const report = await recover(broker, { queues, recoverNoRetry, signal });
    const { recovered, archived, quarantined, dangling, reclaimed, trimmed } = report;
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
    return report;
  });
}
