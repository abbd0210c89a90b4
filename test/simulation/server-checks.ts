/** What holds of a server at any moment, and what it counts. @module */
import type { Server } from "@asynqjs/worker-node";
import type { Ledger, Run } from "./ledger.ts";
import type { SimProcess } from "./sim-process.ts";
import type { World } from "./world.ts";

interface ServerChecksParts {
  readonly world: World;
  readonly ledger: Ledger;
  readonly process: SimProcess;
  readonly server: Server;
  readonly concurrency: number;
}

/** A timer fires when nothing else is to be done, at most a second late. */
const timerSlackMs = 2_000;

/** Holds one server to what it says, from its start to its end. */
export class ServerChecks {
  readonly #parts: ServerChecksParts;
  #unsettled = 0;
  #called = 0;

  constructor(parts: ServerChecksParts) {
    this.#parts = parts;
  }

  /** A handler is called, be it for a type that there is none for. */
  called(): void {
    this.#called++;
  }

  /** To be called after each step. */
  look(): void {
    const { ledger, process, server, concurrency } = this.#parts;
    const metrics = server.metrics();
    const { busy, leaked, unsettledNow, started, unsettled } = metrics;
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
    if (busy > 0) return;
    const { done, completed, retried, archived, revoked, requeued, handedBack, leaseLost, leaseExpired } = metrics;
    if (done + completed + retried + archived + revoked + requeued + handedBack + leaseLost + leaseExpired + unsettled < started)
      ledger.violated(`${process.name} counts ${started} runs, and fewer ends of them`);
    if (unsettledNow === 0) ledger.settled(process);
  }

  /** To be called when its shutdown is over: nothing of it may be left, its port closed. */
  ended(): void {
    this.look();
    const { ledger, process, server } = this.#parts;
    const { unsettledNow } = server.metrics();
    if (process.timers > 0) ledger.violated(`${process.name} is shut down and ${process.timers} timers of it wait`);
    if (unsettledNow > 0) ledger.violated(`${process.name} is shut down and ${unsettledNow} outcomes are on their way`);
  }

  /** A run whose time is over is told so, if its process was awake since. */
  #lookAt({ end, task, entry, startedAtMs }: Run): void {
    if (end !== undefined || task.signal.aborted) return;
    const { world, ledger, process } = this.#parts;
    const wokeAtMs = process.freezes.at(-1)?.untilMs ?? 0;
    const lateMs = world.nowMs - Math.max(wokeAtMs, startedAtMs + task.info.timeoutSec! * 1000);
    if (lateMs > timerSlackMs) ledger.violated(`task ${entry.order.n} runs though its time was over ${Math.round(lateMs)} ms ago`);
  }
}
