import { seldom, type TickReport } from "@asynqjs/core";
import type { Changes } from "./changes.ts";
import type { Settings } from "./config.ts";
import type { Counter, Counters } from "./metrics.ts";
import { type Component, type Rhythm, ticker } from "./ticker.ts";

/** What a tick reads, so that it may be left out while that is as it was. */
interface Rest {
  readonly changes: Changes;
  readonly keys: readonly string[];
  /** What no part may miss for ever. */
  readonly longestMs: number;
}

/** How one of them works, and where it counts what it could not do. */
interface Manner extends Pick<Rhythm, "everyMs" | "first"> {
  readonly counters: Pick<Counters, "add" | "added">;
  readonly errors: Counter;
  /** Default: each tick is made. */
  readonly rest?: Rest | undefined;
}

/**
 * A part of the server that calls a tick of core. What a tick could not serve is counted and told, and why it failed, but nothing of what was
 * given up when the part was stopped, which nobody refused.
 *
 * Where Redis tells of changes a tick is left out while nothing that it reads changed, nothing of it is due, and this server did nothing,
 * for of that Redis would not tell it.
 */
export function housekeeper(
  name: string,
  { clock, logger }: Pick<Settings, "clock" | "logger">,
  { counters, errors: counter, rest, ...rhythm }: Manner,
  tick: (signal: AbortSignal) => Promise<Pick<TickReport, "errors" | "more" | "nextSec">>,
): Component {
  const warn = seldom(clock, logger.warn, 30_000);
  /** What the last tick saw; nothing where it did not see all. */
  let seen: { readonly nextSec: number | undefined; readonly added: number; readonly atMs: number } | undefined;
  let changed = true;
  rest?.changes.of(rest.keys, () => {
    changed = true;
  });

  function restMs(): number {
    if (rest === undefined || seen === undefined || changed || !rest.changes.watching || counters.added !== seen.added) return 0;
    const dueMs = seen.nextSec === undefined ? Number.POSITIVE_INFINITY : seen.nextSec * 1000 - clock.nowMs();
    return Math.min(dueMs, seen.atMs + rest.longestMs - clock.monotonicMs());
  }

  return ticker(name, clock, { ...rhythm, restMs }, async (signal) => {
    const begun = { added: counters.added, atMs: clock.monotonicMs() };
    const watched = rest?.changes.watching === true;
    changed = false;
    seen = undefined;
    try {
      const { errors, more, nextSec } = await tick(signal);
      if (signal.aborted) return;
      if (watched && errors.length === 0 && !more) seen = { ...begun, nextSec };
      counters.add(counter, errors.length);
      for (const { queue, error } of errors) warn(`${name} could not serve a queue`, { queue, error: error.message });
    } catch (error) {
      if (signal.aborted) return;
      counters.add(counter);
      warn(`${name} failed`, { error: (error as Error).message });
    }
  });
}
