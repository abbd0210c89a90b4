/** What holds of a server at any moment, and what it counts. @module */
import type { Server } from "@asynqjs/worker-node";
import type { Fetches } from "./fetches.ts";
import type { LeaseHistory } from "./lease-history.ts";
import type { Ledger, Run } from "./ledger.ts";
import type { SimConfig } from "./server-config.ts";
import type { SimProcess } from "./sim-process.ts";
import type { World } from "./world.ts";

interface ServerChecksParts {
  readonly world: World;
  readonly ledger: Ledger;
  readonly process: SimProcess;
  readonly leases: LeaseHistory;
  readonly fetches: Fetches;
  readonly server: Server;
  readonly config: SimConfig;
}

/** A timer fires when nothing else is to be done, at most a second late. */
const timerSlackMs = 2_000;

/** A run whose lease is over is told so by the next beat but for that: a beat has five seconds, and clocks may be a little apart. */
const lostSlackMs = 9_000;

/** A fetch that follows another waits for no longer beyond the idle wait: the longest after a failure. */
const fetchSlackMs = 3_000 + timerSlackMs;

/** Holds one server to what it says, from its start to its end. */
export class ServerChecks {
  readonly #parts: ServerChecksParts;
  #unsettled = 0;
  #called = 0;
  /** When it last had no slot to fetch for. */
  #fullAtMs = 0;

  constructor(parts: ServerChecksParts) {
    this.#parts = parts;
  }

  /** A handler is called, be it for a type that there is none for. */
  called(): void {
    this.#called++;
  }

  /** To be called after each step. */
  look(): void {
    const { ledger, process, server, config } = this.#parts;
    const { concurrency } = config;
    const metrics = server.metrics();
    const { busy, healthy, leaked, unsettledNow, started, unsettled } = metrics;
    const open = ledger.open(process);
    for (const run of open) this.#lookAt(run);
    const running = [...open].filter(({ end }) => end === undefined).length;
    if (running - leaked + unsettledNow > concurrency || busy > concurrency)
      ledger.violated(
        `${process.name} has ${running} running, ${leaked} of them leaked, ${unsettledNow} unsettled, and may have ${concurrency}`,
      );
    if (started !== this.#called) ledger.violated(`${process.name} counts ${started} runs of ${this.#called}`);
    if (unsettled > this.#unsettled) {
      this.#unsettled = unsettled;
      for (const run of open) if (run.end !== undefined) run.causes.add("unsettled");
    }
    this.#lookAtFetches(healthy && busy + unsettledNow < concurrency);
    if (busy > 0) return;
    const { done, completed, retried, archived, revoked, requeued, handedBack, leaseLost, leaseExpired } = metrics;
    if (done + completed + retried + archived + revoked + requeued + handedBack + leaseLost + leaseExpired + unsettled < started)
      ledger.violated(`${process.name} counts ${started} runs, and fewer ends of them`);
    if (unsettledNow === 0) ledger.settled(process);
  }

  /** To be called when its shutdown is over: nothing of it may be left, its port closed. */
  ended(): void {
    this.look();
    const { ledger, process, server, leases, fetches } = this.#parts;
    const { unsettledNow, unsettled, leaseLost, leaseExpired } = server.metrics();
    if (process.timers > 0) ledger.violated(`${process.name} is shut down and ${process.timers} timers of it wait`);
    if (unsettledNow > 0) ledger.violated(`${process.name} is shut down and ${unsettledNow} outcomes are on their way`);
    const held = fetches.given.filter((lease) => leases.heldUntilMs(lease) !== undefined);
    if (held.length > unsettled + leaseLost + leaseExpired)
      ledger.violated(`${process.name} is shut down and says nothing of ${held.map(({ id }) => id).join(", ")}, which it holds`);
  }

  /** A run whose time is over, or whose lease is, is told so, if its process was awake since. */
  #lookAt(run: Run): void {
    const { end, task, entry, startedAtMs } = run;
    if (end !== undefined || task.signal.aborted) return;
    const { ledger, process, fetches, leases, config } = this.#parts;
    if (this.#awakeMs(startedAtMs + task.info.timeoutSec! * 1000) > timerSlackMs)
      ledger.violated(`task ${entry.order.n} runs though its time is over`);
    const untilMs = leases.heldUntilMs(fetches.lastGiven(task.id)!);
    if (untilMs === undefined) run.lostAtMs ??= this.#parts.world.nowMs;
    if (this.#awakeMs(untilMs ?? run.lostAtMs!) > config.heartbeatIntervalMs + lostSlackMs)
      ledger.violated(`task ${entry.order.n} runs in ${process.name} and is not told that its lease is over`);
  }

  /** With a free slot it asks for tasks. */
  #lookAtFetches(mayFetch: boolean): void {
    const { ledger, process, server, fetches, config } = this.#parts;
    const { endedAtMs } = fetches;
    if (server.state !== "active" || !mayFetch) this.#fullAtMs = this.#parts.world.nowMs;
    else if (
      endedAtMs !== undefined &&
      this.#awakeMs(Math.max(endedAtMs, this.#fullAtMs)) > 1.5 * config.taskCheckIntervalMs + fetchSlackMs
    )
      ledger.violated(`${process.name} has free slots and does not fetch`);
  }

  /** How long ago that was, or its process woke. */
  #awakeMs(sinceMs: number): number {
    const { world, process } = this.#parts;
    return world.nowMs - Math.max(process.freezes.at(-1)?.untilMs ?? 0, sinceMs);
  }
}
