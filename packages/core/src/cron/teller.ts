import { clearSchedulerEntries } from "../broker/scheduler-entries.ts";
import type { Broker } from "../broker.ts";
import type { SendOptions } from "../redis.ts";
import { mostOldSec, type ToldEntry, tellEntries } from "./tell-entries.ts";

/** As which scheduler, and for how long. */
export interface ToldAs {
  readonly schedulerId: string;
  readonly forSec: number;
}

/** Tells of entries. `leftSec` is for how long what was told before holds, as TTL answers it: nothing where nobody asked. */
export type Tell = (entries: readonly ToldEntry[], isNews: boolean, leftSec: number | undefined) => Promise<void>;

/** Who tells when there is news, and before what was told is over; and takes it back where no entry is left, or all are paused. */
export function teller(broker: Broker, { schedulerId, forSec, ...options }: ToldAs & SendOptions): Tell {
  let toldAtMs = Number.NEGATIVE_INFINITY;
  return async (entries, isNews, leftSec = forSec - (broker.clock.monotonicMs() - toldAtMs) / 1000) => {
    const isShown = entries.some(({ entry }) => !entry.paused);
    if (!isShown && leftSec >= 0) await clearSchedulerEntries(broker, schedulerId, options);
    const holds = !isShown || (!isNews && leftSec > forSec - Math.min(mostOldSec, forSec / 10));
    if (holds && entries.every(({ events }) => events.length === 0)) return;
    await tellEntries(broker, entries, { schedulerId, forSec, ...options });
    toldAtMs = broker.clock.monotonicMs();
  };
}
