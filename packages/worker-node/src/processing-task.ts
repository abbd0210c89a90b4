import {
  type Broker,
  type DequeuedTask,
  demand,
  jsonBytes,
  payloadJson,
  payloadText,
  type TaskInfo,
  type TaskMessage,
  writeResult,
} from "@asynqjs/core";
import type { LogWriter } from "./log-writer.ts";

/** Writes what a task is to leave behind; kept as long as the task is (`retentionSec`). Asynq: `ResultWriter`. */
export interface ResultWriter<Result = unknown> {
  readonly taskId: string;
  /**
   * Stores bytes, or a string's UTF-8, as the task's result; a later write replaces it. Answers the count of bytes. A failure is counted
   * (`writesRefused`), so that one that nobody waits for is no silent one.
   * @throws {InvalidOptionError} neither bytes nor a string
   * @throws {LeaseLostError} the task is not ours any more, or its outcome is written: nothing was stored
   * @throws {RedisError}
   */
  write(result: Uint8Array | string): Promise<number>;
  /**
   * Stores the JSON of a value, as `write` does.
   * @throws {InvalidOptionError} JSON cannot hold it
   */
  writeJson(result: Result): Promise<number>;
}

/** What a task does not say of its run; all but the deadline is made when the handler asks for it. */
export interface RunSide {
  /** Epoch milliseconds. */
  readonly deadlineAtMs: number;
  readonly signal: AbortSignal;
  readonly logWriter: LogWriter;
  makeResultWriter(): ResultWriter;
  makeContext(): unknown;
}

/**
 * A task as its handler gets it: what it is, what is known of this run, and the signal that says when to give up. Its types are those of its
 * definition, where it has one.
 * @see Asynq asynq.go `Task`, and the helpers of context.go
 */
export class ProcessingTask<Payload = unknown, Result = unknown> {
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly id: string;
  readonly queue: string;
  /** How many failures were counted before this run. Asynq: `GetRetryCount`. */
  readonly retryCount: number;
  /** Asynq: `GetMaxRetry`. */
  readonly maxRetry: number;
  readonly #message: TaskMessage;
  readonly #run: RunSide;
  #payload: Uint8Array | undefined;
  #deadline: Date | undefined;
  #resultWriter: ResultWriter<Result> | undefined;
  #info: TaskInfo | undefined;
  #context: { readonly value: unknown } | undefined;
  #checked: { readonly value: unknown } | undefined;

  constructor(message: TaskMessage, run: RunSide) {
    this.type = message.type;
    this.headers = message.headers ?? {};
    this.id = message.id;
    this.queue = message.queue;
    this.retryCount = message.retried;
    this.maxRetry = message.retry;
    this.#message = message;
    this.#run = run;
  }

  /** The bytes as they were enqueued, the task's own; empty when there is no payload. */
  get payload(): Uint8Array {
    // What came from Redis is a view of all that came with it, and may be kept only for as long as the task runs.
    this.#payload ??= new Uint8Array(this.#stored);
    return this.#payload;
  }

  /** When this run must be over, by its timeout or its deadline, whichever comes first. */
  get deadline(): Date {
    this.#deadline ??= new Date(Math.min(this.#run.deadlineAtMs, lastDateMs));
    return this.#deadline;
  }

  /**
   * Aborts when the run is to end: past its deadline (`DEADLINE_EXCEEDED`), when somebody asked for it (`CANCELED`), when its lease is gone
   * (`LEASE_EXPIRED`, `LEASE_LOST`), when the server shuts down (`SERVER_STATE`); the reason's `code` says which. Hand it to whatever you await.
   */
  get signal(): AbortSignal {
    return this.#run.signal;
  }

  get resultWriter(): ResultWriter<Result> {
    this.#resultWriter ??= this.#run.makeResultWriter();
    return this.#resultWriter;
  }

  /** Lines that stay with the task. JK-97/asynq: `Task.LogWriter`. */
  get logWriter(): LogWriter {
    return this.#run.logWriter;
  }

  /** The task as it stands in Redis. */
  get info(): TaskInfo {
    const message = this.#message;
    this.#info ??= {
      id: message.id,
      queue: message.queue,
      type: message.type,
      payload: message.payload && this.payload,
      headers: this.headers,
      state: "active",
      maxRetry: message.retry,
      retried: message.retried,
      timeoutSec: message.timeoutSec,
      deadline: message.deadlineSec === undefined ? undefined : new Date(Math.min(message.deadlineSec * 1000, lastDateMs)),
      group: message.groupKey,
      retentionSec: message.retentionSec ?? 0,
      nextProcessAt: undefined,
    };
    return this.#info;
  }

  /** What the server's `baseContext` makes, once a run. */
  get context(): unknown {
    this.#context ??= { value: this.#run.makeContext() };
    return this.#context.value;
  }

  /**
   * The payload as text.
   * @throws {DecodeError} it is not UTF-8
   */
  text(): string {
    return payloadText(this.#stored, this.#what);
  }

  /**
   * The payload read as JSON: what the schema of the task's definition made of it; where there is none, `T` is what you say it is, nothing
   * checks it.
   * @throws {DecodeError} it is not JSON
   */
  json<T = Payload>(): T {
    if (this.#checked !== undefined) return this.#checked.value as T;
    return payloadJson<T>(this.#stored, this.#what);
  }

  /** Makes `json()` answer a payload that was checked. */
  static giveChecked(task: ProcessingTask, value: unknown): void {
    task.#checked = { value };
  }

  get #stored(): Uint8Array {
    return this.#payload ?? this.#message.payload ?? noBytes;
  }

  get #what(): string {
    return `the payload of task "${this.id}" of queue "${this.queue}"`;
  }
}

const noBytes = new Uint8Array();

/** The last moment a Date can hold. */
const lastDateMs = 8.64e15;

/** The writer of one run, fenced by its lease. A write that nobody waits for must not end the process when it fails. */
export function resultWriterFor(broker: Broker, task: DequeuedTask, onRefused: (error: unknown) => void): ResultWriter {
  const write = (result: Uint8Array): Promise<number> => {
    demand(result instanceof Uint8Array, "result", "expected bytes or a string; writeJson takes anything else");
    const written = writeResult(broker, task, result);
    written.catch(onRefused);
    return written;
  };
  return {
    taskId: task.id,
    write: (result) => write(typeof result === "string" ? new TextEncoder().encode(result) : result),
    writeJson: (result) => write(jsonBytes("result", result)),
  };
}
