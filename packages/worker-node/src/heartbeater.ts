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
  type Logger,
  listCancelIntents,
  type RedisError,
  seldom,
  unixSec,
  worrySkewMs,
  writeServerState,
} from "@asynqjs/core";
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
  /** What the server tells of its state from now on; with a beat at once where that is another than before. */
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
  /** The leases, where somebody else holds and forgets them: he is told before each beat, and before one is left out. */
  readonly held?: Set<HeldLease> | undefined;
  readonly beforeBeat?: (() => void) | undefined;
  /** Told after each beat which leases go on, and until when by the monotonic clock. */
  readonly onBeat?: ((extended: readonly HeldLease[], endsAtMs: number) => void) | undefined;
}

/** A server that runs nothing tells of itself so often. */
export const idleBeatMs = 60_000;
/** What it tells then stands for so long: one beat may be missed. */
const idleTtlSec = 130;
/** How long a server that ends waits for Redis to hear of it; its records are over by themselves soon after. */
const clearTimeoutMs = 2_000;

/**
 * Beats at once and then every 5 s, from the second beat on every minute while no task is held; the first task after that is followed by a beat at once, before its
 * handler is called. A beat has steps, beside each other, so that none waits for what another waits for: it extends the leases of all held
 * tasks, hears of cancelations that were missed, and tells of the server, whereby it learns what time it is for Redis. A lease whose second
 * has passed is tried too: as long as nobody took the task the fence lets it through. Only when Redis says that the task is not ours, or
 * says nothing while the lease ends, is its run told.
 */
export function heartbeater(broker: Broker, parts: HeartbeaterParts): Heartbeater {
  const { server, clock, logger, heartbeatIntervalMs, counters, leaseSec = asynqLeaseSec, onCancelIntent, onBeat } = parts;
  const { held = new Set<HeldLease>(), beforeBeat } = parts;
  const warn = seldom(clock, logger.warn);
  /** A beat that was not answered in that time is given up: the next one is due. */
  const timeoutMs = (leaseSec * 1000) / 6;
  let status: ServerState = "active";
  /** Whether Redis may hold a list of our tasks. */
  let hadWorkers = false;
  /** It was told of at all: one that has only just begun may crash at once, and again, and what it leaves must not stand there for long. */
  let known = false;
  /** Monotonic: until when Redis need not be told again, as long as nothing happens. */
  let restUntilMs = 0;

  function lose(lease: HeldLease, error: LeaseLostError | LeaseExpiredError): void {
    if (held.delete(lease)) lease.onLost(error);
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
    const startedMs = clock.monotonicMs();
    const idle = known && held.size === 0 && status !== "closed";
    const ttlSec = idle ? idleTtlSec : Math.ceil((2 * heartbeatIntervalMs) / 1000);
    restUntilMs = 0;
    try {
      const record = serverRecord(server, status, held);
      const answered = isCorrected(clock) ? clock.asking() : undefined;
      const life = { nowSec: unixSec(clock.nowMs()), ttlSec, hadWorkers };
      hadWorkers ||= record.workers.length > 0;
      const timeMs = await writeServerState(broker, record, life, { timeoutMs, signal });
      answered?.(timeMs);
      hadWorkers = record.workers.length > 0;
      known = true;
      if (idle) restUntilMs = startedMs + idleBeatMs;
    } catch (error) {
      if (signal.aborted) return;
      counters.add("stateErrors");
      warn("heartbeater could not tell of the server", { error: (error as Error).message });
      // It answers, but not that.
      if ((error as RedisError).reply !== undefined && isCorrected(clock))
        await clock.look(broker.redis, { timeoutMs, signal }).catch(() => {});
    }
    if (!isCorrected(clock)) return;
    if (Math.abs(clock.offsetMs) > worrySkewMs)
      warn("this machine's clock is off; Redis' is used", { offsetMs: Math.round(clock.offsetMs) });
    // A clock was set: the next looks must not be a minute away.
    if (!clock.steady) restUntilMs = 0;
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
    beforeBeat?.();
    const endsAtMs = clock.monotonicMs() + leaseSec * 1000;
    const [extended] = await Promise.all([extendHeld(signal, endsAtMs), hearOfCancels(signal), tellOfServer(signal)]);
    loseEnded();
    onBeat?.(extended, endsAtMs);
  }

  const restMs = (): number => {
    beforeBeat?.();
    return held.size > 0 ? 0 : restUntilMs - clock.monotonicMs();
  };
  const beats = ticker("heartbeater", clock, { everyMs: heartbeatIntervalMs, first: "at once", restMs }, beat);
  return {
    ...beats,
    hold(leases) {
      for (const lease of leases) held.add(lease);
      if (leases.length > 0) beats.hurry();
    },
    forget: (lease) => void held.delete(lease),
    tell(now) {
      if (status === now) return;
      status = now;
      beats.now();
    },
    async stop() {
      await beats.stop();
      await clearServerState(broker, server, { timeoutMs: clearTimeoutMs }).catch((error: Error) =>
        logger.warn("heartbeater could not take back what it told of the server", { error: error.message }),
      );
    },
  };
}
