import type { EnqueueOptions, TaskState } from "@asynqjs/core";
import { JsonProcess } from "./json-process.ts";

/** What Go's inspector says of a task; bytes are base64, times Unix seconds, 0 where Go has its zero time. */
export interface GoTaskInfo {
  readonly id: string;
  readonly queue: string;
  readonly type: string;
  readonly payload: string | null;
  readonly headers: Readonly<Record<string, string>> | null;
  readonly state: TaskState;
  readonly maxRetry: number;
  readonly retried: number;
  readonly lastErr: string;
  readonly lastFailedAtSec: number;
  readonly timeoutSec: number;
  readonly deadlineSec: number;
  readonly group: string;
  readonly nextProcessAtSec: number;
  readonly isOrphaned: boolean;
  readonly retentionSec: number;
  readonly completedAtSec: number;
  readonly result: string | null;
}

/** Go's `QueueInfo`, as Go writes it: durations are nanoseconds. */
export interface GoQueueInfo {
  readonly Queue: string;
  readonly Latency: number;
  readonly Size: number;
  readonly Groups: number;
  readonly Pending: number;
  readonly Active: number;
  readonly Scheduled: number;
  readonly Retry: number;
  readonly Archived: number;
  readonly Completed: number;
  readonly Aggregating: number;
  readonly Processed: number;
  readonly Failed: number;
  readonly Paused: boolean;
}

/** Go's `ServerInfo`, as Go writes it: times are RFC 3339, bytes base64. */
export interface GoServerInfo {
  readonly ID: string;
  readonly Host: string;
  readonly PID: number;
  readonly Concurrency: number;
  readonly Queues: Readonly<Record<string, number>>;
  readonly StrictPriority: boolean;
  readonly Started: string;
  readonly Status: string;
  readonly ActiveWorkers: readonly {
    readonly TaskID: string;
    readonly TaskType: string;
    readonly TaskPayload: string | null;
    readonly Queue: string;
    readonly Started: string;
    readonly Deadline: string;
  }[];
}

/** What Go's inspector says of a periodic task of a scheduler that lives; bytes are base64, times Unix seconds, 0 where Go has its zero time. */
export interface GoSchedulerEntry {
  readonly id: string;
  readonly spec: string;
  readonly type: string;
  readonly payload: string | null;
  readonly options: readonly string[];
  readonly nextSec: number;
  readonly prevSec: number;
}

/** A task for Go's client: our options, in the units of Go's durations cut to milliseconds. */
export interface GoNewTask {
  readonly type: string;
  /** `undefined` is Go's nil. */
  readonly payload?: Uint8Array | undefined;
  readonly options?: EnqueueOptions;
  /** What Go makes its id of where none is given, 16 bytes. Default: drawn. */
  readonly chance?: Uint8Array | undefined;
}

/** Asks for the next times of a cron spec after one, by a scheduler in a time zone. */
export interface CronQuestion {
  readonly spec: string;
  readonly timeZone: string;
  readonly afterSec: number;
  readonly count: number;
}

/** The times, fewer where robfig/cron gives up; why there are none; whether its parser panicked. */
export interface CronAnswer {
  readonly slots: readonly number[];
  readonly error?: string;
  readonly panics: boolean;
}

/** What a history chooses of a Go server in the peer's own process. Its handler does what the first word of the payload says: `peer/session.go`. */
interface GoSession {
  readonly queues: Readonly<Record<string, number>>;
  /** A failed task waits 100 s for each failure before and 50 s; else as long as Asynq has it. */
  readonly fixedDelay: boolean;
  /** Groups become one task of type `aggregated`. */
  readonly aggregate: boolean;
  readonly groupMaxSize: number;
  readonly shutdownTimeoutMs: number;
}

/** What became of one of them. */
export type GoEnqueued = { readonly result: GoTaskInfo; readonly error?: never } | { readonly result?: never; readonly error: string };

/** What an operation of the inspector is about; the queue is `default` unless another is named. */
interface Target {
  readonly queue?: string;
  readonly id?: string;
  readonly state?: TaskState;
  readonly group?: string;
}

/** An error of Go, in its words. */
class GoError extends Error {
  override name = "GoError";
}

/** Go's client and inspector, in a process of their own. Requests are answered in order. */
export class GoPeer {
  readonly #process: JsonProcess<{ result?: unknown; error?: string }>;
  #asked = 0;

  constructor(file: string, redisUrl: string) {
    this.#process = new JsonProcess(file, ["serve", JSON.stringify(goRedis(redisUrl))]);
  }

  /** Which version of Asynq the process is linked with. */
  version(): Promise<string> {
    return this.#ask("version");
  }

  /** Enqueues with Go's client, one after the other, and answers for each. */
  enqueue(...tasks: readonly GoNewTask[]): Promise<GoEnqueued[]> {
    return this.#ask(
      "enqueue",
      tasks.map(({ type, payload, options = {}, chance }) => ({
        type,
        payload: base64(payload),
        chance: base64(chance),
        headers: options.headers,
        options: goOptions(options),
      })),
    );
  }

  /** @throws {GoError} */
  task(id: string, queue?: string): Promise<GoTaskInfo> {
    return this.#inspect("task", { id, ...(queue === undefined ? {} : { queue }) });
  }

  list(state: TaskState, target: Target = {}): Promise<GoTaskInfo[]> {
    return this.#inspect("list", { ...target, state });
  }

  queues(): Promise<string[]> {
    return this.#ask("queues");
  }

  /** The servers that beat. Go's nil is none, or of one that it runs nothing. */
  async servers(): Promise<readonly GoServerInfo[]> {
    const told = await this.#ask<readonly (Omit<GoServerInfo, "ActiveWorkers"> & Partial<GoServerInfo>)[] | null>("servers");
    return (told ?? []).map((server) => ({ ...server, ActiveWorkers: server.ActiveWorkers ?? [] }));
  }

  queueInfo(queue = "default"): Promise<GoQueueInfo> {
    return this.#inspect("queueInfo", { queue });
  }

  /** Go's nil is no group. */
  async groups(queue = "default"): Promise<{ readonly Group: string; readonly Size: number }[]> {
    return (await this.#inspect<{ Group: string; Size: number }[] | null>("groups", { queue })) ?? [];
  }

  /** Moves, deletes or cancels one task, or pauses a queue. @throws {GoError} */
  async act(operation: "run" | "archive" | "delete" | "pause" | "unpause" | "cancel", target: Target = {}): Promise<void> {
    await this.#inspect(operation, target);
  }

  /** Moves or deletes all tasks of a state; answers how many. */
  actOnAll(operation: "runAll" | "archiveAll" | "deleteAll", target: Target): Promise<number> {
    return this.#inspect(operation, target);
  }

  /** @throws {GoError} */
  async deleteQueue(queue: string, force: boolean): Promise<void> {
    await this.#ask("deleteQueue", { queue, force });
  }

  /** Of a scheduled task; v0.26.0 is the first that has it. @throws {GoError} */
  async updatePayload(queue: string, id: string, payload: Uint8Array): Promise<void> {
    await this.#ask("updatePayload", { queue, id, payload: base64(payload) });
  }

  /** What robfig/cron says to each: the parser that Asynq has, and the one of the same library that takes seconds too. */
  nextTimes(questions: readonly CronQuestion[]): Promise<{ readonly standard: CronAnswer; readonly withSeconds: CronAnswer }[]> {
    return this.#ask("nextTimes", questions);
  }

  /** From now on a new client enqueues: one remembers which queues it named. Where a history begins its aggregated tasks are counted anew. */
  renew(begins = false): Promise<void> {
    return this.#ask("renew", begins);
  }

  /** Starts a server in the peer's own process, at most one at a time. */
  startSession(session: GoSession): Promise<void> {
    return this.#ask("startSession", session);
  }

  /** Lets its handlers go on that hold a task. */
  release(): Promise<void> {
    return this.#ask("release");
  }

  /** Shuts it down. */
  endSession(): Promise<void> {
    return this.#ask("endSession");
  }

  /** What `asynq cron ls` shows. */
  schedulerEntries(): Promise<readonly GoSchedulerEntry[]> {
    return this.#ask("schedulerEntries");
  }

  /** What `asynq cron history` shows of an entry, the newest first. */
  schedulerEvents(entryId: string): Promise<readonly { readonly taskId: string; readonly atSec: number }[]> {
    return this.#ask("schedulerEvents", entryId);
  }

  /** Starts Go's scheduler in the peer's own process, at most one at a time, with one entry; answers the entry's id. */
  startScheduler(entry: { readonly spec: string; readonly type: string; readonly queue: string }): Promise<string> {
    return this.#ask("startScheduler", entry);
  }

  /** Shuts it down. */
  endScheduler(): Promise<void> {
    return this.#ask("endScheduler");
  }

  end(): Promise<void> {
    return this.#process.end();
  }

  #inspect<T>(op: string, target: Target): Promise<T> {
    return this.#ask(op, { queue: "default", ...target });
  }

  async #ask<T>(op: string, args: unknown = {}): Promise<T> {
    const nth = this.#asked++;
    this.#process.send({ op, args });
    const { result, error } = await this.#process.told(() => true, nth);
    if (error !== undefined) throw new GoError(error);
    return result as T;
  }
}

/** Where Redis is, as the Go programs read it. */
export function goRedis(redisUrl: string): { readonly addr: string; readonly db: number; readonly password: string } {
  const url = new URL(redisUrl);
  return { addr: url.host, db: Number(url.pathname.slice(1) || 0), password: decodeURIComponent(url.password) };
}

const base64 = (bytes: Uint8Array | undefined): string | null => (bytes === undefined ? null : Buffer.from(bytes).toString("base64"));
const ms = (sec: number | undefined): number | undefined => (sec === undefined ? undefined : Math.round(sec * 1000));

function goOptions(options: EnqueueOptions): Readonly<Record<string, string | number | undefined>> {
  return {
    taskId: options.taskId,
    queue: options.queue,
    maxRetry: options.maxRetry,
    timeoutMs: ms(options.timeoutSec),
    deadlineMs: options.deadline?.getTime(),
    uniqueTtlMs: ms(options.uniqueTtlSec),
    processAtMs: options.processAt?.getTime(),
    processInMs: ms(options.processInSec),
    retentionMs: ms(options.retentionSec),
    group: options.group,
  };
}
