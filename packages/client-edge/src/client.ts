import {
  type Broker,
  composeTask,
  demand,
  describeTask,
  type EnqueueOptions,
  type EnqueueResult,
  enqueue,
  makeBroker,
  type NewTask,
  type RedisPort,
  type SendOptions,
  systemClock,
  systemRandom,
  type Task,
  type TaskInfo,
} from "@asynqjs/core";
import {
  AsynqError,
  DuplicateTaskError,
  InvalidOptionError,
  RedisError,
  type StaleCallError,
  TaskIdConflictError,
} from "@asynqjs/core/errors";
import { type FetchRedisOptions, fetchRedis, type HttpPortOptions } from "@asynqjs/core/redis/fetch";

/** How a {@link Client} reaches Redis: by `url` and `token`, or by a `redis` of yours, which it neither closes nor reconfigures. */
export type ClientOptions = (FetchRedisOptions | RedisOptions) & {
  /** The largest payload that is taken, bytes. Default 1 MiB, which fits one request whatever its bytes are. */
  readonly maxPayloadBytes?: number | undefined;
};

interface RedisOptions extends Pick<HttpPortOptions, "clock" | "random"> {
  /**
   * Any port of `@asynqjs/core`, such as `redisPort(uri)` of `@asynqjs/worker-node/redis`, whose own bounds hold. An instance of `@upstash/redis` takes the `Client` of
   * `@asynqjs/client-edge/upstash`.
   */
  readonly redis: RedisPort;
}

/** A task, or a task with options that win over its own. */
export type EnqueueItem = Task | Pair;
interface Pair {
  readonly task: Task;
  readonly options?: EnqueueOptions | undefined;
}

/** Why a task was not enqueued; of a `RedisError` ask `delivered`. */
export type EnqueueError = InvalidOptionError | TaskIdConflictError | DuplicateTaskError | RedisError | StaleCallError;

/** What became of one task among many. */
export type EnqueueOutcome = { readonly info: TaskInfo; readonly error?: never } | { readonly info?: never; readonly error: EnqueueError };

/** What is asked for in one turn of the event loop, to go in one request. */
interface Batch {
  readonly tasks: NewTask[];
  readonly results: Promise<(EnqueueResult | Failed)[]>;
}

/** A JSON string takes up to six bytes for one: 1 MiB of control characters is the most that surely fits a request of 8 MiB. */
const defaultMaxPayloadBytes = 1024 * 1024;

/**
 * Enqueues tasks. Make it once per module and share it: making it does no I/O and draws no randomness, and any number of calls may be
 * under way at once.
 * @throws {InvalidOptionError} a url, a token, an instance or a bound that cannot be used
 * @see Asynq client.go, `Client`
 */
export class Client {
  readonly #broker: Broker;
  readonly #maxPayloadBytes: number;
  #closed = false;
  #batch: Batch | undefined;

  constructor(options: ClientOptions) {
    const { maxPayloadBytes = defaultMaxPayloadBytes, clock = systemClock, random = systemRandom } = options;
    demand(maxPayloadBytes >= 0, "maxPayloadBytes", "expected a number of at least 0");
    this.#maxPayloadBytes = maxPayloadBytes;
    const redis = "redis" in options ? options.redis : fetchRedis(options);
    demand("send" in Object(redis), "redis", "expected a port; @asynqjs/client-edge/upstash takes an instance of @upstash/redis");
    this.#broker = makeBroker({ redis, clock, random });
  }

  /**
   * Enqueues a task and answers it as it stands in Redis. Options win over those of the task, one by one.
   *
   * The client repeats what got no answer by itself, safely. Called again by you it is a new call: to do so after `delivered: "unknown"`,
   * give a `taskId`, and the second is refused while the first is in the queue.
   * @throws {InvalidOptionError} before any I/O
   * @throws {TaskIdConflictError} a task with this id is in the queue; nothing was written
   * @throws {DuplicateTaskError} another task holds the unique lock; nothing was written
   * @throws {RedisError} `delivered: "no"`: nothing was written; `"unknown"`: it may have been
   * @see Asynq client.go, `Client.EnqueueContext`
   */
  async enqueue(task: Task, options: EnqueueOptions = {}, send: SendOptions = {}): Promise<TaskInfo> {
    const [outcome] = await this.enqueueMany([{ task, options }], send);
    const { info, error } = outcome!;
    if (error) throw error;
    return info!;
  }

  /**
   * Enqueues any number of tasks, of any queues, in as few requests as their bytes allow, and answers one outcome each, in order; what
   * `enqueue` throws is here the `error` of the task it concerns, and of no other. Not atomic. A task sees those before it: the same id
   * twice is one success and one conflict.
   */
  async enqueueMany(items: readonly EnqueueItem[], send: SendOptions = {}): Promise<EnqueueOutcome[]> {
    const nowMs = this.#broker.clock.nowMs();
    const tasks: NewTask[] = [];
    const composed: (NewTask | Failed)[] = [];
    for (const item of items) {
      const { task, options = {} }: Pair = "task" in Object(item) ? (item as Pair) : { task: item as Task };
      try {
        const bytes = task?.payload?.length ?? 0;
        const most = this.#maxPayloadBytes;
        if (bytes > most) throw new InvalidOptionError("payload", `expected at most ${most} bytes, not ${bytes}`);
        const made = composeTask(task, options, this.#broker);
        this.#demandOpen();
        tasks.push(made);
        composed.push(made);
      } catch (error) {
        composed.push(failed(error));
      }
    }
    // What several callers ask for in the same turn goes in one request, in their order: each call to Redis costs it ten times what a task
    // does. What has bounds of its own goes alone, behind what was asked for before it, and takes nobody else along when it is given up;
    // and nobody waits for the many of another.
    const alone = tasks.length > 100 || Object.keys(send).length > 0;
    let batch = this.#batch;
    if (alone || !batch) {
      const all: NewTask[] = [];
      batch = { tasks: all, results: this.#send(all, send) };
      this.#batch = alone ? undefined : batch;
    }
    let at = batch.tasks.length;
    for (const task of tasks) batch.tasks.push(task);
    const results = await batch.results;
    return composed.map((each) => ("message" in each ? outcomeOf(each, results[at++]!, nowMs) : each));
  }

  /** In a microtask: so long others may add to the tasks. */
  async #send(tasks: readonly NewTask[], send: SendOptions): Promise<(EnqueueResult | Failed)[]> {
    await undefined;
    this.#batch = undefined;
    try {
      return await enqueue(this.#broker, tasks, send);
    } catch (error) {
      return tasks.map(() => failed(error));
    }
  }

  /** Asks Redis for a sign of life. @throws {RedisError} there was none */
  async ping(send: SendOptions = {}): Promise<void> {
    this.#demandOpen();
    const [result] = await this.#broker.redis.send([["PING"]], send);
    if (result!.error) throw result!.error;
  }

  /** Takes no more tasks; a `redis` of yours stays open. May be repeated. */
  async close(): Promise<void> {
    this.#closed = true;
  }

  #demandOpen(): void {
    if (this.#closed) throw new RedisError("the client is closed", { delivered: "no" });
  }
}

function outcomeOf(task: NewTask, { verdict, error }: EnqueueResult | Failed, nowMs: number): EnqueueOutcome {
  const { queue, id, type } = task.message;
  switch (verdict) {
    case "enqueued":
      return { info: describeTask(task, nowMs) };
    case "task-id-conflict":
      return { error: new TaskIdConflictError(queue, id) };
    case "duplicate-task":
      return { error: new DuplicateTaskError(queue, type) };
    default:
      return { error: error! };
  }
}

interface Failed {
  readonly verdict?: never;
  readonly error: EnqueueError;
}

/** What an outcome may tell; anything else is a defect and is thrown. */
function failed(error: unknown): Failed {
  if (error instanceof AsynqError) return { error: error as EnqueueError };
  throw error;
}
