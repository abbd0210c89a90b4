import { type AggregateReport, aggregate, type Broker, type GroupAggregator, ServerStateError, seldom, sleep } from "@asynqjs/core";
import type { Settings } from "./config.ts";
import { errorText } from "./error-text.ts";
import type { Counters } from "./metrics.ts";
import type { Component } from "./ticker.ts";

/** So many looks at the groups may go on at once: one that waits for slow aggregators must not keep all other groups waiting. */
const maxChecks = 3;
/** The longest time between two looks. */
const longestIntervalMs = 7_000;

/**
 * Aggregates the groups whose time has come: looks at them every 7 s, or every grace period where that is shorter, from one interval after
 * the start on. A look that falls due while three go on is left out, with a warning. At the stop what runs has `abortGraceMs` to end; the
 * tasks of what does not go back to their group by themselves.
 * @see Asynq aggregator.go
 */
export function aggregator(
  broker: Broker,
  settings: Settings & { readonly groupAggregator: GroupAggregator },
  counters: Counters,
  onMoved: () => void,
): Component {
  const { clock, logger, groupAggregator, groupGracePeriodMs, groupMaxDelayMs, groupMaxSize, abortGraceMs } = settings;
  const warn = seldom(clock, logger.warn, 30_000);
  const everyMs = Math.min(longestIntervalMs, groupGracePeriodMs);
  const stopped = new AbortController();
  const givenUp = new AbortController();
  const checks = new Set<Promise<void>>();
  let cancel: (() => void) | undefined;

  function tick(): void {
    cancel = clock.after(everyMs, tick);
    if (checks.size >= maxChecks) {
      counters.add("checksSkipped");
      warn("aggregator is busy: a look at the groups is left out", { running: checks.size });
      return;
    }
    const check = look().then(() => void checks.delete(check));
    checks.add(check);
  }

  async function look(): Promise<void> {
    note(
      await aggregate(broker, {
        queues: Object.keys(settings.queues),
        aggregator: groupAggregator,
        gracePeriodSec: groupGracePeriodMs / 1000,
        maxDelaySec: groupMaxDelayMs / 1000,
        maxSize: groupMaxSize,
        signal: stopped.signal,
        giveUpSignal: givenUp.signal,
      }),
    );
  }

  function note({ sets, aggregated, quarantined, dangling, lost, errors }: AggregateReport): void {
    counters.add("aggregatedSets", sets);
    if (sets > 0) onMoved();
    counters.add("aggregated", aggregated);
    counters.add("quarantined", quarantined);
    counters.add("dangling", dangling);
    counters.add("setsLost", lost);
    counters.add("aggregateErrors", errors.length);
    if (dangling + quarantined > 0) logger.warn("aggregator met tasks without a usable hash or message", { dangling, quarantined });
    for (const { queue, group, error } of errors) {
      if (group === undefined) warn("aggregator could not serve a queue", { queue, error: error.message });
      else logger.error("aggregation failed; what was not aggregated goes back to its group", { queue, group, error: errorText(error) });
    }
  }

  return {
    name: "aggregator",
    start() {
      if (cancel === undefined && !stopped.signal.aborted) cancel = clock.after(everyMs, tick);
    },
    async stop() {
      stopped.abort();
      cancel?.();
      const ended = Promise.all(checks);
      const waited = new AbortController();
      void ended.then(() => waited.abort());
      await sleep(clock, abortGraceMs, waited.signal);
      givenUp.abort(new ServerStateError("asynq: Server closed"));
      await ended;
    },
  };
}
