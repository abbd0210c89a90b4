import {
  acquireToken,
  type Broker,
  type Clock,
  InvalidOptionError,
  type Logger,
  makeBroker,
  type Random,
  releaseToken,
  systemClock,
  systemRandom,
} from "@asynqjs/core";
import { type Connection, connect, type RedisSource } from "./connect.ts";
import type { ProcessingTask } from "./processing-task.ts";
import { stderrLogger } from "./stderr-logger.ts";

export interface SemaphoreOptions {
  /** Told when the connection is in trouble. Default: stderr, in Asynq's format. */
  readonly logger?: Logger | undefined;
  /** Default: the machine's. */
  readonly clock?: Clock | undefined;
  /** For tests. Default: the machine's. */
  readonly random?: Random | undefined;
}

/**
 * Limits how many tasks do a thing at once, over all servers, Go's included: a task that gets no token throws an error that `isFailure`
 * lets off, and is tried again. A token is a task's until it is released, at the latest until the task's deadline.
 *
 * Constructing does no I/O.
 * @throws {InvalidOptionError} an empty scope or one with braces, fewer tokens than one
 * @see Asynq x/rate/semaphore.go
 */
export class Semaphore {
  readonly #scope: string;
  readonly #maxTokens: number;
  readonly #connection: Connection;
  readonly #broker: Broker;

  constructor(redis: RedisSource, scope: string, maxTokens: number, options: SemaphoreOptions = {}) {
    if (typeof scope !== "string" || !/^[^{}]+$/.test(scope))
      throw new InvalidOptionError("scope", "expected one or more characters without braces");
    if (!Number.isSafeInteger(maxTokens) || maxTokens < 1) throw new InvalidOptionError("maxTokens", "expected a whole number from 1");
    const { clock = systemClock, random = systemRandom, logger = stderrLogger(clock) } = options;
    this.#scope = scope;
    this.#maxTokens = maxTokens;
    this.#connection = connect(redis, logger, clock);
    this.#broker = makeBroker({ redis: this.#connection.port, clock, random });
  }

  /**
   * Takes a token for the task where one is free; a task that holds one keeps it. Answers whether it has one. Does not wait.
   *
   * May be repeated: yes.
   * @throws {RedisError}
   */
  acquire({ id, deadline, signal }: Pick<ProcessingTask, "id" | "deadline" | "signal">): Promise<boolean> {
    const hold = { scope: this.#scope, taskId: id, maxTokens: this.#maxTokens, untilMs: deadline.getTime() };
    return acquireToken(this.#broker, hold, { signal });
  }

  /**
   * Gives the task's token back: in a `finally`. Answers whether it still held one. Goes out even when the task's signal aborted.
   *
   * May be repeated: yes.
   * @throws {RedisError} the token is free at the task's deadline
   */
  release({ id }: Pick<ProcessingTask, "id">): Promise<boolean> {
    return releaseToken(this.#broker, { scope: this.#scope, taskId: id });
  }

  /** Closes the connection unless it is yours. May be repeated. */
  async close(): Promise<void> {
    if (this.#connection.shared !== true) await this.#connection.port.close();
  }
}
