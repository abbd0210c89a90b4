import { Client, type EnqueueError } from "@asynqjs/client-edge";
import {
  type Broker,
  type Clock,
  cancelProcessing,
  type GroupAggregator,
  makeBroker,
  pauseQueue,
  type Random,
  systemClock,
  systemRandom,
  Task,
  unpauseQueue,
} from "@asynqjs/core";
import { type Config, Server } from "@asynqjs/worker-node";
import type { GoVersion } from "../go-programs.ts";
import { driveServer } from "./drive-server.ts";
import { type Move, queuePriorities } from "./moves.ts";
import { makeAggregator, makeHandler } from "./our-handler.ts";
import { passTime } from "./pass-time.ts";
import { janitorIsQuick, type Moment, type Side, type Work } from "./side.ts";
import type { Database, Snapshot } from "./snapshot.ts";

/** Our client, server and ticks. The clock stands where Go's stood when it began; only where groups are to become due it goes on from there. */
export class OurSide implements Side {
  readonly database: Database;
  readonly broker: Broker;
  readonly clock: Clock;
  readonly #version: GoVersion;
  readonly #random: Random;
  /** Settings that Go's server does not have. */
  settings: Config = {};
  #client: Client;
  #nowMs: () => number = () => 0;
  #passedMs = 0;
  /** How often each aggregated task was made, by the beginning of its id. */
  readonly #composed = new Map<string, number>();
  readonly aggregator: GroupAggregator = makeAggregator(this.#composed);
  /** What ids are made of that are drawn next. */
  readonly #chances: Uint8Array[] = [];

  constructor(database: Database, version: GoVersion) {
    this.database = database;
    this.#version = version;
    this.clock = {
      nowMs: () => this.#nowMs(),
      monotonicMs: () => systemClock.monotonicMs() + this.#passedMs,
      after: (delayMs, then) => systemClock.after(delayMs, then),
    };
    this.#random = { float: () => systemRandom.float(), bytes: (length) => this.#chances.shift()?.slice() ?? systemRandom.bytes(length) };
    this.broker = makeBroker({ redis: database.port, clock: this.clock, random: systemRandom });
    this.#client = this.#newClient();
  }

  #newClient(): Client {
    return new Client({ redis: this.database.port, clock: this.clock, random: this.#random });
  }

  /** Stands still at a time, or goes on from it. */
  setClock(nowMs: number, goesOn = false): void {
    const sinceMs = systemClock.monotonicMs();
    this.#nowMs = () => nowMs + (goesOn ? Math.floor(systemClock.monotonicMs() - sinceMs) : 0);
  }

  /** What the client remembers is that much older, too. */
  async pass(sec: number): Promise<void> {
    this.#passedMs += sec * 1000;
    await passTime(this.database.redis, sec);
  }

  async renew(begins: boolean): Promise<void> {
    if (begins) this.#composed.clear();
    await this.#client.close();
    this.#client = this.#newClient();
  }

  async enqueue({ tasks }: Extract<Move, { move: "enqueue" }>, { queue, optionsOf, idOf }: Moment): Promise<readonly string[]> {
    this.#chances.push(...tasks.flatMap((task) => idOf(task).chance ?? []));
    const outcomes = await this.#client.enqueueMany(
      tasks.map((task) => ({ task: new Task(task.type, task.payload), options: { ...optionsOf(task), queue } })),
    );
    return outcomes.map(({ info, error }) => (error === undefined ? info.state : inGosWords(error)));
  }

  pause(queue: string): Promise<void> {
    return pauseQueue(this.broker, queue);
  }

  unpause(queue: string): Promise<void> {
    return unpauseQueue(this.broker, queue);
  }

  cancel(ids: readonly string[]): Promise<void> {
    return cancelProcessing(
      this.broker,
      ids.map((id) => ({ id })),
    );
  }

  work(move: Work, moment: Moment): Promise<Snapshot | undefined> {
    const { groupMaxSize, whileHeld } = move;
    this.setClock(moment.startMs, groupMaxSize !== undefined);
    const hasJanitor = janitorIsQuick(this.#version);
    const { release, handler } = makeHandler(this.database.url, this.clock);
    const server = new Server(this.database.url, {
      ...often,
      ...(moment.fixedDelay ? { retryDelayFunc: (retried) => 1000 * (100 * retried + 50) } : {}),
      ...(groupMaxSize === undefined ? {} : { groupAggregator: this.aggregator, groupMaxSize }),
      ...(hasJanitor ? {} : { janitorIntervalMs: false }),
      shutdownTimeoutMs: whileHeld === "shut-down" ? 10 : 20_000,
      clock: this.clock,
      ...this.settings,
    });
    return driveServer(this, move, moment, {
      start: () => server.start(handler),
      release: async () => release(),
      shutdown: () => server.shutdown(),
      quiet: { deletesCompleted: hasJanitor, trimsArchive: hasJanitor && this.settings.janitorIntervalMs !== false },
    });
  }
}

/** As Go's: `peer/session.go`. */
const often = {
  concurrency: 10,
  queues: queuePriorities,
  taskCheckIntervalMs: 1,
  delayedTaskCheckIntervalMs: 5,
  janitorIntervalMs: 5,
  groupGracePeriodMs: 1_000,
  abortGraceMs: 5,
  isFailure: (error: unknown) => !(error as Error).message.startsWith("soft"),
  logLevel: "fatal",
} as const satisfies Config;

function inGosWords(error: EnqueueError): string {
  const words: Readonly<Record<string, string>> = {
    DUPLICATE_TASK: "task already exists",
    TASK_ID_CONFLICT: "task ID conflicts with another task",
  };
  return words[error.code] ?? error.message;
}
