import { type Broker, type HeldTask, type LogLine, writeLog } from "@asynqjs/core";

/** Writes lines that stay with a task as long as it does, at most 1,000 lines and 64 KiB of them. JK-97/asynq: `LogWriter`. */
export interface LogWriter {
  readonly taskId: string;
  /**
   * Adds a line with the time of the call; it need not be waited for: what was logged before the handler ended is written before its outcome,
   * and a failure is counted (`writesRefused`).
   * @throws {LeaseLostError} the task is not ours any more, or its outcome is written: nothing was stored
   * @throws {RedisError}
   */
  log(message: string): Promise<void>;
}

/** The log of one run, as the server sees it. */
export interface RunLog extends LogWriter {
  /** Every line so far was written or refused. Never rejects. */
  drained(): Promise<void>;
}

/** The log of one run, fenced by its lease: one call at a time, so that lines keep their order; what comes meanwhile makes the next call. */
export function logWriterFor(broker: Broker, task: HeldTask, onRefused: (error: unknown) => void): RunLog {
  let waiting: { readonly lines: LogLine[]; readonly written: Promise<void> } | undefined;
  let last = Promise.resolve();

  function open(): { readonly lines: LogLine[]; readonly written: Promise<void> } {
    const lines: LogLine[] = [];
    const written = last.then(() => {
      waiting = undefined;
      return writeLog(broker, task, lines);
    });
    last = written.catch(onRefused);
    return { lines, written };
  }

  return {
    taskId: task.id,
    log(message) {
      waiting ??= open();
      waiting.lines.push({ message: String(message), atMs: broker.clock.nowMs() });
      return waiting.written;
    },
    drained: () => last,
  };
}
