import { Worker } from "node:worker_threads";
import { type CancelIntent, type Clock, isCorrected, LeaseExpiredError, LeaseLostError } from "@asynqjs/core";
import { errorText } from "./error-text.ts";
import { type FromThread, packLeases, type ThreadSettings, type ToThread } from "./heartbeat-messages.ts";
import type { Heartbeater, HeldLease } from "./heartbeater.ts";
import type { Logger } from "./logger.ts";
import type { Counters } from "./metrics.ts";
import { processMs } from "./process-clock.ts";
import { threadSource } from "./thread-source.ts";

export interface ThreadHeartbeaterParts {
  readonly settings: Omit<ThreadSettings, "offsetMs" | "status">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: Pick<Counters, "add">;
  readonly onCancelIntent: (intent: CancelIntent) => void;
  /** Makes what beats instead where no thread can be started. */
  readonly onMain: () => Heartbeater;
  /** Starts the thread; for tests. */
  readonly startThread?: ((settings: ThreadSettings) => Worker) | undefined;
}

/** What is to be forgotten waits so long for company: to extend the lease of a task that is settled changes nothing. */
const forgetAfterMs = 100;
/** A thread that ended by itself is started again after a while that grows up to this. */
const longestRestartMs = 5_000;
/** How long the thread has for its last words to Redis. */
const stopTimeoutMs = 4_000;

/**
 * The heartbeater in a thread of its own, so that a handler that blocks the event loop keeps its lease. One message tells the thread of all
 * tasks of a fetch, before their handlers are called. A thread that dies is started again and told what is held; where none can be started,
 * the heartbeats run on the main thread, which is said once.
 */
export function threadHeartbeater(parts: ThreadHeartbeaterParts): Heartbeater {
  const { settings, clock, logger, counters, onCancelIntent, startThread = startWorker } = parts;
  const held = new Map<number, HeldLease>();
  const handles = new Map<HeldLease, number>();
  let lastHandle = 0;
  let toForget: number[] = [];
  let cancelForget: (() => void) | undefined;
  let status: ThreadSettings["status"] = "active";
  let thread: Worker | undefined;
  let everBegun = false;
  let failures = 0;
  let cancelRestart: (() => void) | undefined;
  let instead: Heartbeater | undefined;
  let stopped: Promise<void> | undefined;
  let onEnd: () => void = () => {};

  const post = (message: ToThread, transfer: ArrayBuffer[] = []): void => thread?.postMessage(message, transfer);

  function postLeases(leases: readonly HeldLease[], named: readonly number[]): void {
    const forget = toForget;
    toForget = [];
    if (leases.length === 0) {
      post({ kind: "leases", forget });
      return;
    }
    const hold = packLeases(leases, named, processMs() - clock.monotonicMs());
    post({ kind: "leases", hold, forget }, [hold.numbers.buffer, hold.payloads.buffer]);
  }

  function drop(handle: number): HeldLease | undefined {
    const lease = held.get(handle);
    if (lease !== undefined) handles.delete(lease);
    held.delete(handle);
    return lease;
  }

  function launch(): void {
    cancelRestart = undefined;
    let why: unknown;
    try {
      thread = startThread({ ...settings, status, offsetMs: isCorrected(clock) ? clock.offsetMs : 0 });
    } catch (error) {
      ended(error);
      return;
    }
    thread.on("message", hear);
    thread.on("error", (error) => {
      why = error;
    });
    thread.on("exit", (code) => ended(why ?? `it ended with ${code}`));
    if (held.size > 0) postLeases([...held.values()], [...held.keys()]);
  }

  function hear(message: FromThread): void {
    switch (message.kind) {
      case "begun":
        everBegun = true;
        return;
      case "beat": {
        failures = 0;
        if (isCorrected(clock)) clock.adopt(message.offsetMs);
        const endsAtMs = message.endsAtMs - processMs() + clock.monotonicMs();
        for (const handle of message.extended) {
          const lease = held.get(handle);
          if (lease !== undefined) lease.endsAtMs = endsAtMs;
        }
        return;
      }
      case "lost": {
        const lease = drop(message.handle);
        if (lease !== undefined)
          lease.onLost(message.code === "LEASE_LOST" ? new LeaseLostError(lease.queue, lease.id) : new LeaseExpiredError());
        return;
      }
      case "canceled":
        onCancelIntent(message.intent);
        return;
      case "count":
        counters.add(message.counter, message.count);
        return;
      case "log":
        logger[message.level](message.message, message.details);
        return;
      default:
        message satisfies never;
    }
  }

  function ended(why: unknown): void {
    thread = undefined;
    onEnd();
    if (stopped !== undefined) return;
    if (!everBegun) {
      beatOnMain(why);
      return;
    }
    const delayMs = failures === 0 ? 0 : Math.min(longestRestartMs, 100 * 2 ** failures);
    failures++;
    counters.add("heartbeatRestarts");
    logger.error("the heartbeat thread ended by itself; it is started again", { error: errorText(why), delayMs });
    const nowMs = clock.monotonicMs();
    for (const [handle, lease] of held) if (nowMs >= lease.endsAtMs) drop(handle)?.onLost(new LeaseExpiredError());
    cancelRestart = clock.after(delayMs, launch);
  }

  function beatOnMain(why: unknown): void {
    logger.warn(onMainWarning("no thread can be started"), { error: errorText(why) });
    instead = parts.onMain();
    instead.tell(status);
    instead.hold([...held.values()]);
    instead.start();
  }

  async function stopThread(): Promise<void> {
    cancelForget?.();
    cancelRestart?.();
    if (thread === undefined) return;
    const end = new Promise<void>((resolve) => {
      onEnd = resolve;
    });
    post({ kind: "stop" });
    const late = thread;
    const cancel = clock.after(stopTimeoutMs, () => void late.terminate());
    await end;
    cancel();
  }

  return {
    name: "heartbeater",
    start() {
      if (thread === undefined && instead === undefined && stopped === undefined) launch();
    },
    hold(leases) {
      if (leases.length === 0) return;
      const named = leases.map((lease) => {
        held.set(++lastHandle, lease);
        handles.set(lease, lastHandle);
        return lastHandle;
      });
      if (instead === undefined) postLeases(leases, named);
      else instead.hold(leases);
    },
    forget(lease) {
      instead?.forget(lease);
      const handle = handles.get(lease);
      if (handle === undefined) return;
      drop(handle);
      if (instead !== undefined) return;
      toForget.push(handle);
      // Rides along with the next fetch, if one comes before the timer.
      cancelForget ??= clock.after(forgetAfterMs, () => {
        cancelForget = undefined;
        if (toForget.length > 0) postLeases([], []);
      });
    },
    tell(now) {
      status = now;
      instead?.tell(now);
      post({ kind: "tell", status: now });
    },
    stop() {
      stopped ??= instead?.stop() ?? stopThread();
      return stopped;
    },
  };
}

/** What is said once where the heartbeats run on the main thread. */
export function onMainWarning(why: string): string {
  return `heartbeats run on the main thread, since ${why}: a handler that blocks the event loop for longer than a lease may run twice`;
}

function startWorker(settings: ThreadSettings): Worker {
  const { entry, eval: isCode } = threadSource();
  // Without the flags of the process: a loader or an --input-type among them is not for this code.
  return new Worker(entry, { eval: isCode, workerData: settings, execArgv: [], name: "asynqjs-heartbeater" });
}
