import {
  AsynqError,
  type Broker,
  composeTask,
  type DecodeError,
  DuplicateTaskError,
  describeTask,
  type EnqueueOptions,
  type EnqueueResult,
  enqueue,
  InvalidOptionError,
  makeBroker,
  type NewTask,
  RedisError,
  type RedisPort,
  type SendOptions,
  type StaleCallError,
  systemClock,
  systemRandom,
  type Task,
  TaskIdConflictError,
  type TaskInfo,
} from "@asynqjs/core";
import { type FetchRedisOptions, fetchRedis, type HttpPortOptions } from "@asynqjs/core/redis/fetch";
import { type UpstashInstance, upstashRedis } from "@asynqjs/core/redis/upstash";

/** How a {@link Client} reaches Redis: by `url` and `token`, or by a `redis` of yours, which it neither closes nor reconfigures. */
export type ClientOptions = (FetchRedisOptions | RedisOptions) & {
  /** The largest payload that is taken, bytes. Default 1 MiB, which fits one request whatever its bytes are. */
  readonly maxPayloadBytes?: number | undefined;
};

interface RedisOptions extends HttpPortOptions {
  /** Your instance of `@upstash/redis`; or any port of `@asynqjs/core`, such as `ioredisPort(client)`, whose own bounds hold. */
  readonly redis: UpstashInstance | RedisPort;
}

/** A task, or a task with options that win over its own. */
export type EnqueueItem = Task | { readonly task: Task; readonly options?: EnqueueOptions | undefined };

/** Why a task was not enqueued; of a `RedisError` ask `delivered`. */
export type EnqueueError = InvalidOptionError | TaskIdConflictError | DuplicateTaskError | RedisError | StaleCallError | DecodeError;

/** What became of one task among many. */
export type EnqueueOutcome = { readonly info: TaskInfo; readonly error?: never } | { readonly info?: never; readonly error: EnqueueError };

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

  constructor(options: ClientOptions) {
    const { maxPayloadBytes = defaultMaxPayloadBytes, clock = systemClock, random = systemRandom } = options;
    if (!(maxPayloadBytes >= 0)) throw new InvalidOptionError("maxPayloadBytes", "expected a number of at least 0");
    this.#maxPayloadBytes = maxPayloadBytes;
    this.#broker = makeBroker({ redis: portOf(options), clock, random });
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
    if (outcome!.error !== undefined) throw outcome!.error;
    return outcome!.info;
  }

  /**
   * Enqueues any number of tasks, of any queues, in as few requests as their bytes allow, and answers one outcome each, in order; what
   * `enqueue` throws is here the `error` of the task it concerns, and of no other. Not atomic. A task sees those before it: the same id
   * twice is one success and one conflict.
   */
  async enqueueMany(items: readonly EnqueueItem[], send: SendOptions = {}): Promise<EnqueueOutcome[]> {
    const nowMs = this.#broker.clock.nowMs();
    const composed = items.map((item) => attempt(() => ("task" in item ? this.#compose(item.task, item.options) : this.#compose(item))));
    const tasks = composed.flatMap(({ value }) => value ?? []);
    const enqueued = await enqueue(this.#broker, tasks, send).then((value): Attempt<EnqueueResult[]> => ({ value }), failed);
    let nth = 0;
    return composed.map(({ value: task, error = enqueued.error }) =>
      error === undefined ? outcomeOf(task!, enqueued.value![nth++]!, nowMs) : { error },
    );
  }

  /** Asks Redis for a sign of life. @throws {RedisError} there was none */
  async ping(send: SendOptions = {}): Promise<void> {
    const [result] = await this.#broker.redis.send([["PING"]], send);
    if (result!.error !== undefined) throw result!.error;
  }

  /** Takes no more tasks; a `redis` of yours stays open. May be repeated. */
  async close(): Promise<void> {
    await this.#broker.redis.close();
  }

  #compose(task: Task, options: EnqueueOptions = {}): NewTask {
    const bytes = task.payload?.length ?? 0;
    if (bytes > this.#maxPayloadBytes)
      throw new InvalidOptionError("payload", `expected at most ${this.#maxPayloadBytes} bytes, not ${bytes}`);
    return composeTask(task, options, this.#broker);
  }
}

function outcomeOf(task: NewTask, result: EnqueueResult, nowMs: number): EnqueueOutcome {
  if (result.error !== undefined) return { error: result.error };
  const { queue, id, type } = task.message;
  switch (result.verdict) {
    case "enqueued":
      return { info: describeTask(task, nowMs) };
    case "task-id-conflict":
      return { error: new TaskIdConflictError(queue, id) };
    case "duplicate-task":
      return { error: new DuplicateTaskError(queue, type) };
  }
}

function portOf(options: ClientOptions): RedisPort {
  if (!("redis" in options)) return fetchRedis(options);
  const { redis } = options;
  return isPort(redis) ? borrow(redis) : upstashRedis(redis, options);
}

function isPort(redis: UpstashInstance | RedisPort): redis is RedisPort {
  return "send" in Object(redis);
}

/** A port that closes for the client alone. */
function borrow(redis: RedisPort): RedisPort {
  let closed = false;
  return {
    features: () => redis.features(),
    async send(commands, options) {
      if (closed) throw new RedisError("the client is closed", { delivered: "no" });
      return redis.send(commands, options);
    },
    async close() {
      closed = true;
    },
  };
}

type Attempt<T> = { readonly value: T; readonly error?: never } | Failed;
interface Failed {
  readonly value?: never;
  readonly error: EnqueueError;
}

function attempt<T>(work: () => T): Attempt<T> {
  try {
    return { value: work() };
  } catch (error) {
    return failed(error);
  }
}

/** What an outcome may tell; anything else is a defect and is thrown. */
function failed(error: unknown): Failed {
  if (error instanceof AsynqError) return { error: error as EnqueueError };
  throw error;
}
