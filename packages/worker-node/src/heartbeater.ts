import {
  leaseSec as asynqLeaseSec,
  type Broker,
  type CancelIntent,
  type Clock,
  clearServerState,
  extendLeases,
  type HeldTask,
  isCorrected,
  LeaseExpiredError,
  LeaseLostError,
  listCancelIntents,
  unixSec,
  worrySkewMs,
  writeServerState,
} from "@asynqjs/core";
import { type Logger, seldom } from "./logger.ts";
import type { Counters } from "./metrics.ts";
import type { ServerState } from "./server.ts";
import { type RunFacts, type ServerFacts, serverRecord } from "./server-record.ts";
import { type Component, ticker } from "./ticker.ts";

/** A lease that this process holds, judged by the monotonic clock from the moment its dequeue or extension was sent. */
export interface HeldLease extends HeldTask {
  /** Monotonic: when the lease ends, as far as we know. */
  endsAtMs: number;
  /** Monotonic: the task's deadline; the lease is not extended beyond it. */
  readonly deadlineMs: number;
  /** What the server tells of it. */
  readonly run: RunFacts;
  /** Told once, when the task is ours no more or may be anyone's. */
  readonly onLost: (error: LeaseLostError | LeaseExpiredError) => void;
}

/** Keeps the leases of running tasks, and tells Redis of the server. @see Asynq heartbeat.go */
export interface Heartbeater extends Component {
  /** From now on the leases are extended; called before the handlers are. */
  hold(leases: readonly HeldLease[]): void;
  /** Its outcome was answered, or nobody waits for it: the lease is left alone. */
  forget(lease: HeldLease): void;
  /** What the server tells of its state from the next beat on. */
  tell(status: ServerState): void;
}

/** What a heartbeater works with besides its broker. */
export interface HeartbeaterParts {
  readonly server: ServerFacts;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly heartbeatIntervalMs: number;
  readonly counters: Pick<Counters, "add">;
  /** How long a lease lasts from its extension on. Asynq's 30 unless a test shortens it. */
  readonly leaseSec?: number | undefined;
  /** Told of a cancelation of a task that is held, with each beat while Redis keeps it: the message may have been missed. */
  readonly onCancelIntent?: ((intent: CancelIntent) => void) | undefined;
  /** Told after each beat which leases go on, and until when by the monotonic clock. */
  readonly onBeat?: ((extended: readonly HeldLease[], endsAtMs: number) => void) | undefined;
}

/** How long a server that ends waits for Redis to hear of it; its records are over by themselves soon after. */
const clearTimeoutMs = 2_000;

/**
 * Beats at once and then every 5 s. A beat has steps, beside each other, so that none waits for what another waits for: it looks at Redis'
 * clock, extends the leases of all held tasks, hears of cancelations that were missed, and tells of the server. A lease whose second has passed is tried too: as long as nobody took
 * the task the fence lets it through. Only when Redis says that the task is not ours, or says nothing while the lease ends, is its run told.
 */
export function heartbeater(broker: Broker, parts: HeartbeaterParts): Heartbeater {
  const { server, clock, logger, heartbeatIntervalMs, counters, leaseSec = asynqLeaseSec, onCancelIntent, onBeat } = parts;
  const held = new Set<HeldLease>();
  const warn = seldom(clock, logger.warn);
  /** A beat that was not answered in that time is given up: the next one is due. */
  const timeoutMs = (leaseSec * 1000) / 6;
  let status: ServerState = "active";

  function lose(lease: HeldLease, error: LeaseLostError | LeaseExpiredError): void {
    if (held.delete(lease)) lease.onLost(error);
  }

  /** What Redis does not answer leaves the correction as it was: the extensions of this beat will tell. */
  async function lookAtClock(signal: AbortSignal): Promise<void> {
    if (!isCorrected(clock)) return;
    await clock.look(broker.redis, { timeoutMs, signal }).catch(() => {});
    if (Math.abs(clock.offsetMs) > worrySkewMs)
      warn("this machine's clock is off; Redis' is used", { offsetMs: Math.round(clock.offsetMs) });
  }

  /** Answers those that go on until `endsAtMs`. */
  async function extendHeld(signal: AbortSignal, endsAtMs: number): Promise<HeldLease[]> {
    const leases = [...held].filter(({ deadlineMs }) => clock.monotonicMs() < deadlineMs);
    const extended: HeldLease[] = [];
    if (leases.length === 0) return extended;
    try {
      const results = await extendLeases(broker, leases, unixSec(clock.nowMs()) + leaseSec, { timeoutMs, signal });
      for (const [i, { verdict, error }] of results.entries()) {
        const lease = leases[i]!;
        switch (verdict) {
          case "extended":
            lease.endsAtMs = endsAtMs;
            extended.push(lease);
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
      if (signal.aborted) return extended;
      counters.add("extendErrors");
      warn("heartbeater could not extend leases", { leases: leases.length, error: (error as Error).message });
    }
    return extended;
  }

  async function tellOfServer(signal: AbortSignal): Promise<void> {
    try {
      const life = { nowSec: unixSec(clock.nowMs()), ttlSec: Math.ceil((2 * heartbeatIntervalMs) / 1000) };
      await writeServerState(broker, serverRecord(server, status, held), life, { timeoutMs, signal });
    } catch (error) {
      if (signal.aborted) return;
      counters.add("stateErrors");
      warn("heartbeater could not tell of the server", { error: (error as Error).message });
    }
  }

  /** Asks only while there is a run that could be meant. */
  async function hearOfCancels(signal: AbortSignal): Promise<void> {
    if (onCancelIntent === undefined || held.size === 0) return;
    try {
      const intents = await listCancelIntents(broker, { timeoutMs, signal });
      const ids = new Set(Array.from(held, ({ id }) => id));
      for (const intent of intents) if (ids.has(intent.id)) onCancelIntent(intent);
    } catch (error) {
      if (!signal.aborted) warn("heartbeater could not look for cancelations", { error: (error as Error).message });
    }
  }

  function loseEnded(): void {
    const nowMs = clock.monotonicMs();
    for (const lease of held) if (nowMs >= lease.endsAtMs) lose(lease, new LeaseExpiredError());
  }

  async function beat(signal: AbortSignal): Promise<void> {
    const endsAtMs = clock.monotonicMs() + leaseSec * 1000;
    const [extended] = await Promise.all([extendHeld(signal, endsAtMs), lookAtClock(signal), hearOfCancels(signal), tellOfServer(signal)]);
    loseEnded();
    onBeat?.(extended, endsAtMs);
  }

  const beats = ticker("heartbeater", clock, { everyMs: heartbeatIntervalMs, first: "at once" }, beat);
  return {
    ...beats,
    hold(leases) {
      for (const lease of leases) held.add(lease);
    },
    forget: (lease) => void held.delete(lease),
    tell(now) {
      status = now;
    },
    async stop() {
      await beats.stop();
      await clearServerState(broker, server, { timeoutMs: clearTimeoutMs }).catch((error: Error) =>
        logger.warn("heartbeater could not take back what it told of the server", { error: error.message }),
      );
    },
  };
}
