import { type AggregationSet, aggregationTimeoutSec } from "../broker/aggregation-check.ts";
import { extendAggregationSet } from "../broker/extend-aggregation-set.ts";
import type { Broker } from "../broker.ts";
import { sleep, unixSec } from "../clock.ts";
import { AggregationSetLostError, DeadlineExceededError } from "../errors.ts";

/** A set that is kept from its recoverers. */
export interface HeldSet {
  /** Aborts when the set is not to be aggregated any longer: it is someone else's, its time is over, or it is given up. */
  readonly signal: AbortSignal;
  /** What `work` comes to, or a throw of the signal's reason if that comes first. */
  readonly whileHeld: <T>(work: Promise<T>) => Promise<T>;
  /** Holds it no longer: unless it is replaced its tasks go back to their group at its deadline. */
  readonly release: () => void;
}

/** A third of the time a set is given, so that two extensions may fail. */
const extendEveryMs = (aggregationTimeoutSec * 1000) / 3;

/**
 * Extends the deadline of a set of ours every 40 s until it is released or lost, for at most `timeoutSec`. An extension that fails is left
 * to the next one: what the set's tasks become is fenced in any case.
 */
export function holdSet(
  broker: Broker,
  set: AggregationSet,
  { timeoutSec, giveUpSignal }: { readonly timeoutSec: number; readonly giveUpSignal?: AbortSignal | undefined },
): HeldSet {
  const { clock } = broker;
  const held = new AbortController();
  /** Held no longer, for whatever reason. */
  const ended = new AbortController();
  const over = ended.signal;
  held.signal.addEventListener("abort", () => ended.abort(), { once: true });
  const cancelTimeout = clock.after(timeoutSec * 1000, () => held.abort(new DeadlineExceededError()));
  const giveUp = (): void => held.abort(giveUpSignal?.reason);
  if (giveUpSignal?.aborted) giveUp();
  else giveUpSignal?.addEventListener("abort", giveUp, { once: true });

  void (async () => {
    for (;;) {
      await sleep(clock, extendEveryMs, over);
      if (over.aborted) return;
      const untilSec = unixSec(clock.nowMs()) + aggregationTimeoutSec;
      const verdict = await extendAggregationSet(broker, set, untilSec, { timeoutMs: extendEveryMs / 2, signal: over }).catch(
        () => "unknown",
      );
      if (verdict === "set-lost" && !over.aborted) held.abort(new AggregationSetLostError(set.queue, set.group));
    }
  })();

  return {
    signal: held.signal,
    whileHeld: (work) =>
      new Promise((resolve, reject) => {
        const lost = (): void => reject(held.signal.reason);
        if (held.signal.aborted) lost();
        held.signal.addEventListener("abort", lost, { once: true });
        work.then(resolve, reject).finally(() => held.signal.removeEventListener("abort", lost));
      }),
    release() {
      cancelTimeout();
      giveUpSignal?.removeEventListener("abort", giveUp);
      ended.abort();
    },
  };
}
