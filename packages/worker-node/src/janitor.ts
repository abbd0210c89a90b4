import { aggregatedKey, archivedKey, type Broker, completedKey, defaultJanitorBatchSize, janitor as janitorTick } from "@asynqjs/core";
import type { Changes } from "./changes.ts";
import type { Settings } from "./config.ts";
import { housekeeper } from "./housekeeper.ts";
import type { Counters } from "./metrics.ts";
import type { Component } from "./ticker.ts";

/**
 * Deletes what its retention or a limit no longer keeps, every 8 s from one interval after the start on; where it is told of changes, while
 * there are none, when the next task is over, and every minute.
 * @see Asynq janitor.go
 */
export function janitor(
  broker: Broker,
  settings: Settings & { readonly janitorIntervalMs: number },
  counters: Counters,
  changes: Changes,
): Component {
  const { logger, janitorIntervalMs, janitorBatchSize } = settings;
  const queues = Object.keys(settings.queues);
  if (janitorBatchSize > defaultJanitorBatchSize)
    logger.warn("a large janitorBatchSize holds Redis for longer", { janitorBatchSize, recommended: defaultJanitorBatchSize });
  const rhythm = { everyMs: janitorIntervalMs, first: "after one interval" } as const;
  const keys = queues.flatMap((queue) => [completedKey(queue), archivedKey(queue), aggregatedKey(queue)]);
  const rest = { changes, keys, longestMs: 60_000 };
  return housekeeper("janitor", settings, { ...rhythm, rest, counters, errors: "janitorErrors" }, async (signal) => {
    const report = await janitorTick(broker, { queues, batchSize: janitorBatchSize, signal });
    const { expired, completedTrimmed, trimmed, aggregatedDeleted, dangling } = report;
    counters.add("expired", expired);
    counters.add("completedTrimmed", completedTrimmed);
    counters.add("trimmed", trimmed);
    counters.add("dangling", dangling);
    if (trimmed > 0) logger.warn("archived tasks were trimmed", { trimmed });
    if (completedTrimmed > 0) logger.warn("completed tasks were trimmed before their retention ended", { completedTrimmed });
    if (aggregatedDeleted > 0) logger.info("janitor deleted what an aggregation left behind", { aggregatedDeleted });
    if (dangling > 0) logger.warn("janitor met completed tasks without a usable hash", { dangling });
    return report;
  });
}
