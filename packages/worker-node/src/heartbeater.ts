import {
  type Broker,
  extendLeases,
  type HeldTask,
  isCorrected,
  LeaseExpiredError,
  LeaseLostError,
  leaseSec,
  unixSec,
  worrySkewMs,
} from "@asynqjs/core";
import type { Settings } from "./config.ts";
import { seldom } from "./logger.ts";
import type { Counters } from "./metrics.ts";
import { type Component, ticker } from "./ticker.ts";

/** A lease that this process holds, judged by the monotonic clock from the moment its dequeue or extension was sent. */
export interface HeldLease extends HeldTask {
  /** Monotonic: when the lease ends, as far as we know. */
  endsAtMs: number;
  /** Monotonic: the task's deadline; the lease is not extended beyond it. */
  readonly deadlineMs: number;
  /** Told once, when the task is ours no more or may be anyone's. */
  readonly onLost: (error: LeaseLostError | LeaseExpiredError) => void;
}

/** Keeps the leases of running tasks. @see Asynq heartbeat.go */
export interface Heartbeater extends Component {
  /** From now on the lease is extended; called before the handler is. */
  hold(lease: HeldLease): void;
  /** Its outcome was answered, or nobody waits for it: the lease is left alone. */
  forget(lease: HeldLease): void;
}

/** A beat that was not answered in that time is given up: the next one is due. */
const beatTimeoutMs = (leaseSec * 1000) / 6;

/**
 * Extends the leases of all held tasks every 5 s. A lease whose second has passed is tried too: as long as nobody took the task the fence
 * lets it through, as after a handler that blocked the process. Only when Redis says that the task is not ours, or says nothing while the
 * lease ends, is its run told.
 */
export function heartbeater(broker: Broker, { clock, logger, heartbeatIntervalMs }: Settings, counters: Counters): Heartbeater {
  const held = new Set<HeldLease>();
  const warn = seldom(clock, logger.warn);

  function lose(lease: HeldLease, error: LeaseLostError | LeaseExpiredError): void {
    if (held.delete(lease)) lease.onLost(error);
  }

  /** What Redis does not answer leaves the correction as it was: the extensions of this beat will tell. */
  async function lookAtClock(signal: AbortSignal): Promise<void> {
    if (!isCorrected(clock)) return;
    await clock.look(broker.redis, { timeoutMs: beatTimeoutMs, signal }).catch(() => {});
    if (Math.abs(clock.offsetMs) > worrySkewMs)
      warn("this machine's clock is off; Redis' is used", { offsetMs: Math.round(clock.offsetMs) });
  }

  async function beat(signal: AbortSignal): Promise<void> {
    await lookAtClock(signal);
    const sentAtMs = clock.monotonicMs();
    const leases = [...held].filter(({ deadlineMs }) => sentAtMs < deadlineMs);
    if (leases.length > 0) {
      try {
        const results = await extendLeases(broker, leases, unixSec(clock.nowMs()) + leaseSec, { timeoutMs: beatTimeoutMs, signal });
        for (const [i, { verdict, error }] of results.entries()) {
          const lease = leases[i]!;
          switch (verdict) {
            case "extended":
              lease.endsAtMs = sentAtMs + leaseSec * 1000;
              break;
            case "lease-lost":
              lose(lease, new LeaseLostError(lease.queue, lease.id));
              break;
            case undefined:
              counters.add("extendErrors");
              warn("heartbeater could not extend a lease", { queue: lease.queue, id: lease.id, error: error.message });
              break;
            default:
              verdict satisfies never;
          }
        }
      } catch (error) {
        if (signal.aborted) return;
        counters.add("extendErrors");
        warn("heartbeater could not extend leases", { leases: leases.length, error: (error as Error).message });
      }
    }
    const nowMs = clock.monotonicMs();
    for (const lease of held) if (nowMs >= lease.endsAtMs) lose(lease, new LeaseExpiredError());
  }

  return {
    ...ticker("heartbeater", clock, { everyMs: heartbeatIntervalMs, first: "after one interval" }, beat),
    hold: (lease) => void held.add(lease),
    forget: (lease) => void held.delete(lease),
  };
}
