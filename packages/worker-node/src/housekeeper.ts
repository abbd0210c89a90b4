import type { TickReport } from "@asynqjs/core";
import type { Settings } from "./config.ts";
import { seldom } from "./logger.ts";
import type { Counter, Counters } from "./metrics.ts";
import { type Component, type Rhythm, ticker } from "./ticker.ts";

/**
 * A part of the server that calls a tick of core. `tick` answers what it could not serve: that is counted and told, and why it failed, but
 * nothing of what was given up when the part was stopped, which nobody refused.
 */
export function housekeeper(
  name: string,
  { clock, logger }: Pick<Settings, "clock" | "logger">,
  { counters, errors: counter, ...rhythm }: Rhythm & { readonly counters: Counters; readonly errors: Counter },
  tick: (signal: AbortSignal) => Promise<TickReport["errors"]>,
): Component {
  const warn = seldom(clock, logger.warn, 30_000);
  return ticker(name, clock, rhythm, async (signal) => {
    try {
      const errors = await tick(signal);
      if (signal.aborted) return;
      counters.add(counter, errors.length);
      for (const { queue, error } of errors) warn(`${name} could not serve a queue`, { queue, error: error.message });
    } catch (error) {
      if (signal.aborted) return;
      counters.add(counter);
      warn(`${name} failed`, { error: (error as Error).message });
    }
  });
}
