import { Worker } from "node:worker_threads";
import { type CancelIntent, type Clock, isCorrected, LeaseExpiredError, LeaseLostError, type Logger } from "@asynqjs/core";
import { errorText } from "./error-text.ts";
import type { FromThread, ThreadSettings, ToThread } from "./heartbeat-messages.ts";
import type { Heartbeater, HeldLease } from "./heartbeater.ts";
import { LeaseTable, rowBytesFor } from "./lease-table.ts";
import type { Counters } from "./metrics.ts";
import { processMs } from "./process-clock.ts";
import { threadSource } from "./thread-source.ts";

export interface ThreadHeartbeaterParts {
  readonly settings: Omit<ThreadSettings, "memory" | "offsetMs" | "status">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: Pick<Counters, "add">;
  readonly onCancelIntent: (intent: CancelIntent) => void;
  /** Makes what beats instead where no thread can be started. */
  readonly onMain: () => Heartbeater;
  /** Starts the thread; for tests. */
  readonly startThread?: ((settings: ThreadSettings) => Worker) | undefined;
}

/** More tasks than that no server holds. */
const maxRows = 2 ** 20;
/** The table grows when more are held. */
const mostRowsAtFirst = 256;
/** A thread that ended by itself is started again after a while that grows up to this. */
const longestRestartMs = 5_000;
/** How long the thread has for its last words to Redis. */
const stopTimeoutMs = 4_000;

/**
 * The heartbeater in a thread of its own, so that a handler that blocks the event loop keeps its lease. What is held stands in memory that
 * the thread looks at with each beat; it is woken when it rests, before the first handler is called. A thread that dies is started again;
 * where none can be started, the heartbeats run on the main thread, which is said once.
 */
export function threadHeartbeater(parts: ThreadHeartbeaterParts): Heartbeater {
  const { settings, clock, logger, counters, onCancelIntent, startThread = startWorker } = parts;
  let table = LeaseTable.make(Math.min(settings.server.concurrency, mostRowsAtFirst));
  /** By their rows. */
  const held: ({ readonly handle: number; readonly lease: HeldLease } | undefined)[] = [];
  const rows = new Map<HeldLease, number>();
  const free = Array.from({ length: table.rows }, (_, i) => table.rows - 1 - i);
  let uses = 0;
  let status: ThreadSettings["status"] = "active";
  let thread: Worker | undefined;
  let everBegun = false;
  let failures = 0;
  let cancelRestart: (() => void) | undefined;
  let instead: Heartbeater | undefined;
  let stopped: Promise<void> | undefined;
  let onEnd: () => void = () => {};

  const post = (message: ToThread): void => thread?.postMessage(message);
  const aheadMs = (): number => processMs() - clock.monotonicMs();

  function write(lease: HeldLease, byMs: number): void {
    if (free.length === 0) move(LeaseTable.make(2 * table.rows, table.rowBytes));
    const row = free.pop()!;
    // A handle is the row's number and how often a row was taken: no two leases have the same.
    const handle = ++uses * maxRows + row;
    held[row] = { handle, lease };
    rows.set(lease, row);
    if (!table.write(row, handle, lease, byMs)) move(LeaseTable.make(table.rows, rowBytesFor(lease)));
  }

  /** To a larger table: with more rows, or longer ones. */
  function move(to: LeaseTable): void {
    for (let row = to.rows - 1; row >= table.rows; row--) free.push(row);
    table = to;
    writeAll();
    post({ kind: "table", memory: table.memory });
  }

  function writeAll(): void {
    const byMs = aheadMs();
    for (const [row, one] of held.entries()) if (one !== undefined) table.write(row, one.handle, one.lease, byMs);
  }

  function find(handle: number): HeldLease | undefined {
    const one = held[handle % maxRows];
    return one?.handle === handle ? one.lease : undefined;
  }

  function drop(lease: HeldLease): boolean {
    const row = rows.get(lease);
    if (row === undefined) return false;
    rows.delete(lease);
    held[row] = undefined;
    free.push(row);
    table.clear(row);
    return true;
  }

  function launch(): void {
    cancelRestart = undefined;
    let why: unknown;
    try {
      // Until when they last is known better by now.
      writeAll();
      thread = startThread({ ...settings, memory: table.memory, status, offsetMs: isCorrected(clock) ? clock.offsetMs : 0 });
    } catch (error) {
      ended(error);
      return;
    }
    thread.on("message", hear);
    thread.on("error", (error) => {
      why = error;
    });
    thread.on("exit", (code) => ended(why ?? `it ended with ${code}`));
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
          const lease = find(handle);
          if (lease !== undefined) lease.endsAtMs = endsAtMs;
        }
        return;
      }
      case "lost": {
        const lease = find(message.handle);
        if (lease !== undefined && drop(lease))
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
    for (const lease of rows.keys()) if (nowMs >= lease.endsAtMs && drop(lease)) lease.onLost(new LeaseExpiredError());
    cancelRestart = clock.after(delayMs, launch);
  }

  function beatOnMain(why: unknown): void {
    logger.warn(onMainWarning("no thread can be started"), { error: errorText(why) });
    instead = parts.onMain();
    instead.tell(status);
    instead.hold([...rows.keys()]);
    instead.start();
  }

  async function stopThread(): Promise<void> {
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
      const byMs = aheadMs();
      for (const lease of leases) write(lease, byMs);
      if (instead !== undefined) instead.hold(leases);
      else if (table.endRest()) post({ kind: "wake" });
    },
    forget(lease) {
      instead?.forget(lease);
      drop(lease);
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
