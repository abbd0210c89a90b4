import {
  type Broker,
  CanceledError,
  DeadlineExceededError,
  DecodeError,
  type DequeuedTask,
  isHandlerNotFound,
  LeaseExpiredError,
  LeaseLostError,
  leaseSec,
  readHandedBack,
  ServerStateError,
  type TaskMessage,
} from "@asynqjs/core";
import type { Settings } from "./config.ts";
import { errorText } from "./error-text.ts";
import type { Heartbeater, HeldLease } from "./heartbeater.ts";
import { logWriterFor } from "./log-writer.ts";
import type { Counters } from "./metrics.ts";
import { ProcessingTask, resultWriterFor } from "./processing-task.ts";
import { type ReadTask, readTask } from "./read-task.ts";
import { type HandlerEnd, RunReports } from "./run-reports.ts";
import type { HandlerFunc } from "./serve-mux.ts";
import { shownPayload } from "./server-record.ts";
import type { Settler } from "./settler.ts";
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
}

/** How a handler's call ended, or that it was not waited for any longer. */
type End = HandlerEnd | { readonly how: "gave-up" };

/**
 * One task from its dequeue to its outcome. Its signal aborts for one reason, the first; then the handler has `abortGraceMs` to end, and
 * what it returns or throws in that time still counts. A handler that does not end is left alone with its slot: the fence refuses what it
 * writes later.
 * @see Asynq processor.go, `exec`
 */
export class TaskRun {
  readonly task: DequeuedTask;
  /** To be held by the heartbeater before the run starts; none where the message cannot be read. */
  readonly lease: HeldLease | undefined;

  readonly #parts: RunParts;
  /** When the lease of its dequeue ends, by the monotonic clock. */
  readonly #endsAtMs: number;
  readonly #read: ReadTask;
  readonly #controller = new AbortController();
  readonly #reports: RunReports;
  #reason: Error | undefined;
  #decided = false;
  #handlerEnded: Promise<HandlerEnd | undefined> = Promise.resolve(undefined);
  #giveUp: () => void = () => {};
  #cancelGrace: () => void = () => {};

  /** `sentAtMs` is when the dequeue left, by the monotonic clock: its lease is counted from there. */
  constructor(parts: RunParts, task: DequeuedTask, sentAtMs: number) {
    this.#parts = parts;
    this.task = task;
    this.#reports = new RunReports(parts.settings, parts.counters, task);
    this.#endsAtMs = sentAtMs + leaseSec * 1000;
    this.#read = readTask(task, parts.settings.clock.nowMs());
    this.lease = this.#makeLease();
  }

  /**
   * Calls the handler. `answered`: the outcome is written, refused or given up. `over`: besides, the handler has ended, so that its slot is
   * free. Neither ever rejects.
   */
  start(): { readonly answered: Promise<void>; readonly over: Promise<void> } {
    const answered = this.#live().catch((error: unknown) => {
      this.#parts.counters.add("unsettled");
      this.#parts.settings.logger.error("a run failed by itself; the task is taken back when its lease has ended", {
        ...this.#names,
        error: errorText(error),
      });
    });
    return { answered, over: answered.then(() => this.#handlerEnded).then(() => {}) };
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
    this.#giveUp();
  }

  #makeLease(): HeldLease | undefined {
    if (this.#read.message === undefined) return undefined;
    const { message, startedAtMs, deadlineMs } = this.#read;
    return {
      ...{ queue: this.task.queue, id: this.task.id, token: this.task.token },
      endsAtMs: this.#endsAtMs,
      deadlineMs: this.#parts.settings.clock.monotonicMs() + deadlineMs - startedAtMs,
      run: { type: message.type, payload: shownPayload(message.payload), startedAtMs, deadlineAtMs: deadlineMs },
      onLost: (error) => void this.#interrupt(error),
    };
  }

  async #live(): Promise<void> {
    const { heartbeater, settler } = this.#parts;
    const [read, lease] = [this.#read, this.lease];
    if (read.message === undefined || lease === undefined)
      return settler.settle(this.#quarantine(read.unreadable).outcome, { endsAtMs: this.#endsAtMs }, "quarantined");
    try {
      const ending = await this.#process(read.message, read.deadlineMs, read.startedAtMs);
      if (ending !== undefined) await settler.settle(ending.outcome, lease, ending.counter);
    } finally {
      heartbeater.forget(lease);
    }
  }

  /** Calls the handler and decides; `undefined` when nothing may be written. */
  async #process(message: TaskMessage, deadlineMs: number, nowMs: number): Promise<Ending | undefined> {
    const { broker, settings, counters } = this.#parts;
    const logWriter = logWriterFor(broker, this.task, this.#reports.writeRefused);
    const processing = new ProcessingTask(message, {
      signal: this.#controller.signal,
      deadlineMs,
      resultWriter: resultWriterFor(broker, this.task, this.#reports.writeRefused),
      logWriter,
      makeContext: settings.baseContext,
    });
    if (this.task.waitedMs !== undefined) counters.waitSec.observe(message.queue, message.type, this.task.waitedMs / 1000);
    const end = await this.#run(processing, deadlineMs - nowMs);
    this.#decided = true;
    this.#cancelGrace();
    if (end.how === "gave-up") this.#reports.leaked(this.#handlerEnded);
    else await logWriter.drained();

    const reason = this.#reason;
    if (reason instanceof LeaseExpiredError || reason instanceof LeaseLostError) {
      counters.add(reason instanceof LeaseLostError ? "leaseLost" : "leaseExpired");
      settings.logger.warn("lease lost while the task was running: nothing is written", { ...this.#names, error: reason.message });
      this.#reports.tellErrorHandler(processing, reason);
      return undefined;
    }
    const handedBack = reason === undefined && end.how === "threw" ? await this.#handBack(end.error) : undefined;
    if (handedBack !== undefined) return handedBack;
    try {
      if (end.how === "returned") return successEnding(this.task, message, settings.clock.nowMs());
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

  /** The type is unknown here, and the server is to leave such tasks to others; `undefined` where it is a failure. */
  async #handBack(error: unknown): Promise<Ending | undefined> {
    const { broker, settings } = this.#parts;
    if (!settings.handBackUnknown || !isHandlerNotFound(error)) return undefined;
    // Asked only now, since it is rare; the lease goes on meanwhile.
    const handedBack = await readHandedBack(broker, this.task, { timeoutMs: leaseSec * 1000 });
    const ending = handBackEnding(this.task, error, handedBack, settings.clock.nowMs());
    if (ending !== undefined)
      settings.logger.warn("no handler for the task's type: handed back", { ...this.#names, handedBack: handedBack + 1 });
    return ending;
  }

  /** Resolves when the handler ended, or when it is not waited for any longer. */
  async #run(processing: ProcessingTask, leftMs: number): Promise<End> {
    const { settings, counters, handler } = this.#parts;
    if (leftMs <= 0) {
      this.#interrupt(new DeadlineExceededError());
      return { how: "threw", error: undefined };
    }
    const call = async (): Promise<HandlerEnd> => {
      try {
        await (settings.catchStrayRejections ? reportingStrays(this.#reports.stray, () => handler(processing)) : handler(processing));
        return { how: "returned" };
      } catch (error) {
        return { how: "threw", error };
      }
    };
    const cancelDeadline = settings.clock.after(leftMs, () => this.#interrupt(new DeadlineExceededError()));
    counters.add("started");
    const startedMs = settings.clock.monotonicMs();
    const end = await new Promise<End>((resolve) => {
      this.#giveUp = () => resolve({ how: "gave-up" });
      const ended = call();
      this.#handlerEnded = ended;
      void ended.then(resolve);
    });
    cancelDeadline();
    counters.runSec.observe(processing.queue, processing.type, (settings.clock.monotonicMs() - startedMs) / 1000);
    return end;
  }

  #interrupt(reason: Error): boolean {
    if (this.#decided || this.#reason !== undefined) return false;
    const { clock, abortGraceMs } = this.#parts.settings;
    this.#reason = reason;
    this.#cancelGrace = clock.after(abortGraceMs, () => this.#giveUp());
    this.#controller.abort(reason);
    return true;
  }

  #quarantine(error: unknown): Ending {
    const why = error instanceof DecodeError ? error.message : errorText(error);
    this.#parts.settings.logger.error("task quarantined: its message cannot be read", { ...this.#names, error: why });
    return { outcome: { ...fenced(this.task), to: "quarantined", why }, counter: "quarantined" };
  }

  get #names(): { readonly queue: string; readonly id: string } {
    return { queue: this.task.queue, id: this.task.id };
  }
}

/** Why the run was told to end, caused by what the handler then threw. */
function withCause(reason: Error, thrown: unknown): Error {
  return reason instanceof CanceledError ? new CanceledError(thrown) : new DeadlineExceededError(thrown);
}
