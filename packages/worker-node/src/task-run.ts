import {
  type Broker,
  CanceledError,
  DeadlineExceededError,
  type Deadlines,
  DecodeError,
  type DequeuedTask,
  isHandlerNotFound,
  LeaseExpiredError,
  LeaseLostError,
  leaseSec,
  readHandedBack,
  ServerStateError,
  type Timed,
} from "@asynqjs/core";
import type { Settings } from "./config.ts";
import { errorText } from "./error-text.ts";
import type { Heartbeater, HeldLease } from "./heartbeater.ts";
import { logWriterFor, type RunLog } from "./log-writer.ts";
import type { Counters } from "./metrics.ts";
import { ProcessingTask, type ResultWriter, type RunSide, resultWriterFor } from "./processing-task.ts";
import { type ReadTask, readTask } from "./read-task.ts";
import { type HandlerEnd, RunReports } from "./run-reports.ts";
import type { HandlerFunc } from "./serve-mux.ts";
import { shownPayload } from "./server-record.ts";
import type { Settler, Settling } from "./settler.ts";
import { reportingStrays } from "./stray-rejections.ts";
import { type Ending, failureEnding, fenced, handBackEnding, successEnding } from "./task-outcome.ts";

/** What a run works with. */
export interface RunParts {
  readonly broker: Broker;
  readonly settings: Settings;
  readonly counters: Counters;
  readonly heartbeater: Heartbeater;
  readonly settler: Settler;
  readonly handler: HandlerFunc;
  /** Whether Redis is a Cluster. */
  readonly cluster: boolean;
}

/** What all runs of a fetch begin with. */
export interface RunTimes {
  /** When the dequeue left, by the monotonic clock: its lease is counted from there. */
  readonly sentAtMs: number;
  /** Now, by both clocks. */
  readonly nowMs: number;
  readonly monotonicMs: number;
}

/** Who started a run. */
export interface RunOwner {
  /** Where it says how long it may last. */
  readonly deadlines: Deadlines<TaskRun>;
  /** The outcome is written, refused or given up. */
  answered(run: TaskRun): void;
  /** Besides, the handler has ended: its slot is free. */
  over(run: TaskRun): void;
}

/** How a handler's call ended, or that it was not waited for any longer. */
type End = HandlerEnd | { readonly how: "gave-up" };

const returned: HandlerEnd = { how: "returned" };

/**
 * One task from its dequeue to its outcome. Its signal aborts for one reason, the first; then the handler has `abortGraceMs` to end, and
 * what it returns or throws in that time still counts. A handler that does not end is left alone with its slot: the fence refuses what it
 * writes later. What few handlers ask for, their signal and writers, is made when they do.
 * @see Asynq processor.go, `exec`
 */
export class TaskRun implements RunSide, Settling, Timed {
  readonly task: DequeuedTask;
  /** To be held by the heartbeater before the run starts; none where the message cannot be read. */
  readonly lease: HeldLease | undefined;

  readonly #parts: RunParts;
  readonly #owner: RunOwner;
  /** When the lease of its dequeue ends, by the monotonic clock. */
  readonly #endsAtMs: number;
  readonly #read: ReadTask;
  #processing: ProcessingTask | undefined;
  /** When its handler was called, if it was. */
  #startedMs: number | undefined;
  #reason: Error | undefined;
  #decided = false;
  #handlerRuns = false;
  /** Nobody waits for it any longer. */
  #isLeaked = false;
  #isAnswered = false;
  #cancelGrace: (() => void) | undefined;
  #controller: AbortController | undefined;
  #log: RunLog | undefined;

  constructor(parts: RunParts, owner: RunOwner, task: DequeuedTask, { sentAtMs, nowMs, monotonicMs }: RunTimes) {
    this.#parts = parts;
    this.#owner = owner;
    this.task = task;
    this.#endsAtMs = sentAtMs + leaseSec * 1000;
    this.#read = readTask(task, nowMs);
    this.lease = this.#makeLease(monotonicMs);
  }

  /** Calls the handler. Never throws; its owner is told how it goes on. */
  start(): void {
    const read = this.#read;
    if (read.message === undefined) {
      this.#decided = true;
      this.#settle(this.#quarantine(read.unreadable));
      return;
    }
    const { settings, counters } = this.#parts;
    const { queue, type } = read.message;
    const processing = new ProcessingTask(read.message, this);
    this.#processing = processing;
    if (this.task.waitedMs !== undefined) counters.waitSec.observe(queue, type, this.task.waitedMs / 1000);
    if (read.deadlineMs <= read.startedAtMs) {
      this.#interrupt(new DeadlineExceededError());
      this.#end({ how: "threw", error: undefined });
      return;
    }
    this.#owner.deadlines.add(this);
    counters.add("started");
    this.#startedMs = settings.clock.monotonicMs();
    this.#handlerRuns = true;
    // As `await` does: asks the promise itself, whatever stands in the place of its `then`.
    Promise.prototype.then.call(
      this.#call(processing),
      () => this.#handlerEnded(returned),
      (error: unknown) => this.#handlerEnded({ how: "threw", error }),
    );
  }

  /** The server shuts down: the handler is told, and what does not succeed within the grace is requeued. */
  abort(): void {
    this.#interrupt(new ServerStateError("asynq: Server closed"));
  }

  /** Somebody asked for its end; answers whether that is news to it. */
  cancel(): boolean {
    return this.#interrupt(new CanceledError());
  }

  /** Waits for the handler no longer. */
  giveUp(): void {
    this.abort();
    if (!this.#decided) this.#end({ how: "gave-up" });
  }

  /** Its time is over. */
  overdue(): void {
    this.#interrupt(new DeadlineExceededError());
  }

  /** Its outcome is written, refused or given up. */
  answered(): void {
    if (this.lease !== undefined) this.#parts.heartbeater.forget(this.lease);
    this.#isAnswered = true;
    this.#owner.answered(this);
    if (!this.#handlerRuns) this.#owner.over(this);
  }

  get freesSlot(): boolean {
    return !this.#handlerRuns;
  }

  /** Epoch milliseconds, by Redis' clock. */
  get startedAtMs(): number {
    return this.lease?.run.startedAtMs ?? 0;
  }

  get deadlineMs(): number {
    return this.lease?.deadlineMs ?? Number.POSITIVE_INFINITY;
  }

  get deadlineAtMs(): number {
    return this.lease?.run.deadlineAtMs ?? 0;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  get logWriter(): RunLog {
    this.#log ??= logWriterFor(this.#parts.broker, this.task, (error) => this.#reports.writeRefused(error));
    return this.#log;
  }

  makeResultWriter(): ResultWriter {
    return resultWriterFor(this.#parts.broker, this.task, (error) => this.#reports.writeRefused(error));
  }

  makeContext(): unknown {
    return this.#parts.settings.baseContext?.();
  }

  #makeLease(monotonicMs: number): HeldLease | undefined {
    if (this.#read.message === undefined) return undefined;
    const { message, startedAtMs, deadlineMs } = this.#read;
    const { queue, id, token } = this.task;
    return {
      queue,
      id,
      token,
      endsAtMs: this.#endsAtMs,
      deadlineMs: monotonicMs + deadlineMs - startedAtMs,
      run: { type: message.type, payload: shownPayload(message.payload), startedAtMs, deadlineAtMs: deadlineMs },
      onLost: (error) => void this.#interrupt(error),
    };
  }

  /** Never throws. */
  #call(processing: ProcessingTask): Promise<unknown> {
    const { settings, handler } = this.#parts;
    try {
      return Promise.resolve(
        settings.catchStrayRejections
          ? reportingStrays(
              (error) => this.#reports.stray(error),
              () => handler(processing),
            )
          : handler(processing),
      );
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #handlerEnded(end: HandlerEnd): void {
    this.#handlerRuns = false;
    if (!this.#decided) this.#end(end);
    else if (this.#isAnswered) this.#owner.over(this);
    if (this.#isLeaked) this.#reports.leakEnded(end);
  }

  /** The handler ended, or is not waited for any longer. */
  #end(end: End): void {
    const { settings, counters } = this.#parts;
    const { queue, type } = this.#processing!;
    this.#decided = true;
    this.#cancelGrace?.();
    this.#owner.deadlines.delete(this);
    if (this.#startedMs !== undefined) counters.runSec.observe(queue, type, (settings.clock.monotonicMs() - this.#startedMs) / 1000);
    if (end.how === "gave-up") {
      this.#isLeaked = true;
      this.#reports.leaked();
    }
    if (end.how === "gave-up" || this.#log === undefined) this.#conclude(end);
    else void this.#log.drained().then(() => this.#conclude(end));
  }

  #conclude(end: End): void {
    if (end.how === "threw" && this.#reason === undefined && this.#parts.settings.handBackUnknown && isHandlerNotFound(end.error)) {
      const handedBack = this.#handBack(end.error).then((ending) => this.#settle(ending ?? this.#decide(end)));
      void handedBack.catch((error: unknown) => this.#fail(error));
      return;
    }
    try {
      this.#settle(this.#decide(end));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** What is to be written; `undefined` when nothing may be. */
  #decide(end: End): Ending | undefined {
    const { settings, counters } = this.#parts;
    const message = this.#read.message!;
    const processing = this.#processing!;
    const reason = this.#reason;
    if (reason instanceof LeaseExpiredError || reason instanceof LeaseLostError) {
      counters.add(reason instanceof LeaseLostError ? "leaseLost" : "leaseExpired");
      settings.logger.warn("lease lost while the task was running: nothing is written", { ...this.#names, error: reason.message });
      this.#reports.tellErrorHandler(processing, reason);
      return undefined;
    }
    try {
      if (end.how === "returned") return successEnding(this.task, message, settings.clock);
      if (reason instanceof ServerStateError) {
        settings.logger.warn("shutting down: the task is requeued", this.#names);
        return { outcome: { ...fenced(this.task), to: "requeued" }, counter: "requeued" };
      }
      // What the handler threw when it was told to stop rides along: its SkipRetry and RevokeTask are heeded.
      const error = end.how === "gave-up" ? reason : reason === undefined ? end.error : withCause(reason, end.error);
      this.#reports.tellErrorHandler(processing, error);
      return failureEnding(this.task, message, processing, error, settings, counters);
    } catch (error) {
      return this.#quarantine(error);
    }
  }

  #settle(ending: Ending | undefined): void {
    if (ending !== undefined) {
      this.#parts.settler.settle(ending.outcome, this.lease ?? { endsAtMs: this.#endsAtMs }, ending.counter, this);
      return;
    }
    this.answered();
  }

  /** What should not be possible. */
  #fail(error: unknown): void {
    this.#parts.counters.add("unsettled");
    this.#parts.settings.logger.error("a run failed by itself; the task is taken back when its lease has ended", {
      ...this.#names,
      error: errorText(error),
    });
    this.#settle(undefined);
  }

  /** The type is unknown here, and the server is to leave such tasks to others; `undefined` where it is a failure. */
  async #handBack(error: unknown): Promise<Ending | undefined> {
    const { broker, settings } = this.#parts;
    // Asked only now, since it is rare; the lease goes on meanwhile.
    const handedBack = await readHandedBack(broker, this.task, { timeoutMs: leaseSec * 1000 });
    const ending = handBackEnding(this.task, error, handedBack, settings.clock.nowMs());
    if (ending !== undefined)
      settings.logger.warn("no handler for the task's type: handed back", { ...this.#names, handedBack: handedBack + 1 });
    return ending;
  }

  #interrupt(reason: Error): boolean {
    if (this.#decided || this.#reason !== undefined) return false;
    const { clock, abortGraceMs } = this.#parts.settings;
    this.#reason = reason;
    this.#cancelGrace = clock.after(abortGraceMs, () => this.giveUp());
    this.#controller?.abort(reason);
    return true;
  }

  #quarantine(error: unknown): Ending {
    const why = error instanceof DecodeError ? error.message : errorText(error);
    this.#parts.settings.logger.error("task quarantined: its message cannot be read", { ...this.#names, error: why });
    return { outcome: { ...fenced(this.task), to: "quarantined", why }, counter: "quarantined" };
  }

  get #reports(): RunReports {
    return new RunReports(this.#parts.settings, this.#parts.counters, this.task);
  }

  get #names(): { readonly queue: string; readonly id: string } {
    return { queue: this.task.queue, id: this.task.id };
  }
}

/** Why the run was told to end, caused by what the handler then threw. */
function withCause(reason: Error, thrown: unknown): Error {
  return reason instanceof CanceledError ? new CanceledError(thrown) : new DeadlineExceededError(thrown);
}
