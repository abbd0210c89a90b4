import {
  type Broker,
  checkDurability,
  checkSkew,
  type DurabilityOptions,
  durableRedis,
  isCorrected,
  makeBroker,
  type RedisPort,
  ServerStateError,
  worrySkewMs,
} from "@asynqjs/core";
import { aggregator } from "./aggregator.ts";
import { changes } from "./changes.ts";
import { type Config, checkConfig, type Settings } from "./config.ts";
import { type Connection, connect, type RedisSource, secondClient } from "./connect.ts";
import { forwarder } from "./forwarder.ts";
import { healthchecker } from "./healthchecker.ts";
import type { Heartbeater } from "./heartbeater.ts";
import { janitor } from "./janitor.ts";
import { beatsInThread, makeHeartbeater } from "./make-heartbeater.ts";
import { Counters, type Metrics } from "./metrics.ts";
import { prober, probeTimeoutMs } from "./prober.ts";
import { Processor } from "./processor.ts";
import { recoverer } from "./recoverer.ts";
import { repairer } from "./repairer.ts";
import { type Handler, type HandlerFunc, toHandlerFunc } from "./serve-mux.ts";
import { type Settler, settler } from "./settler.ts";
import { strayRejections } from "./stray-rejections.ts";
import { type Subscriber, subscriber } from "./subscriber.ts";
import type { Component } from "./ticker.ts";
import { untilSignal } from "./until-signal.ts";
import { waker } from "./waker.ts";
import { type Watcher, watcher } from "./watcher.ts";

/** `stopped` takes no more tasks and finishes what it has; `closed` is the end. Asynq: `serverState`. */
export type ServerState = "new" | "active" | "stopped" | "closed";

/** Every change of state there is. `active` goes back to `new` when the start failed. */
const moves: Readonly<Record<ServerState, readonly ServerState[]>> = {
  new: ["active", "closed"],
  active: ["new", "stopped", "closed"],
  stopped: ["closed"],
  closed: [],
};

/** Asynq's words for why a server cannot be started. */
const notStartable: Readonly<Record<Exclude<ServerState, "new">, string>> = {
  active: "asynq: the server is already running",
  stopped: "asynq: the server is in the stopped state. Waiting for shutdown.",
  closed: "asynq: Server closed",
};

/** The parts in the order in which they stop; they start in the order below. */
const stopOrder = [
  "waker",
  "forwarder",
  "processor",
  "recoverer",
  "settler",
  "prober",
  "subscriber",
  "janitor",
  "aggregator",
  "repairer",
  "healthchecker",
  "heartbeater",
  "strayRejections",
];

/**
 * Takes tasks from queues and calls your handler for each.
 *
 * Constructing does no I/O. `start`, `stop` and `shutdown` may be called twice and in any order.
 * @throws {InvalidOptionError} an option, a URI or a queue that cannot be used
 * @see Asynq server.go
 */
export class Server {
  readonly #settings: Settings;
  readonly #port: RedisPort;
  readonly #connection: Connection;
  readonly #redis: RedisSource;
  readonly #broker: Broker;
  readonly #counters = new Counters();
  #state: ServerState = "new";
  /** In the order of their start. */
  #components: readonly Component[] = [];
  #heartbeater: Heartbeater | undefined;
  #processor: Processor | undefined;
  #settler: Settler | undefined;
  #watcher: Watcher | undefined;
  #closed: Promise<void> | undefined;
  /** Aborts when the shutdown is done. */
  readonly #ended = new AbortController();

  constructor(redis: RedisSource, config: Config = {}) {
    this.#settings = checkConfig(config);
    const { clock, random, logger, limits } = this.#settings;
    this.#connection = connect(redis, logger, clock);
    this.#redis = redis;
    this.#port = this.#connection.port;
    this.#broker = makeBroker({ redis: this.#port, clock, random, limits });
  }

  get state(): ServerState {
    return this.#state;
  }

  /**
   * Connects and begins to process; resolves when it does. After a failure it may be called again.
   * @throws {ServerStateError} running, stopped or closed
   * @throws {InvalidOptionError} no handler
   * @throws {RedisError} not reachable @throws {RedisVersionError} older than 6.2
   * @throws {DurabilityError} it is not set up for the tier of `durability`
   * @throws {ClockSkewError} this machine's clock and that of Redis are more than five minutes apart
   */
  async start(handler: Handler): Promise<void> {
    const handlerFunc = toHandlerFunc(handler);
    if (this.#state !== "new") throw new ServerStateError(notStartable[this.#state]);
    this.#move("active");
    let cluster: boolean;
    try {
      ({ cluster } = await this.#port.features());
      await checkDurability(this.#port, this.#durability);
      await this.#lookAtClock();
    } catch (error) {
      if (this.state === "active") this.#move("new");
      throw error;
    }
    if (this.state !== "active") throw new ServerStateError(notStartable.closed);
    for (const caution of this.#connection.cautions) this.#settings.logger.warn(caution);
    this.#components = this.#makeComponents(handlerFunc, cluster);
    for (const component of this.#components) component.start();
    this.#settings.logger.info("Starting processing", {
      queues: Object.keys(this.#settings.queues).join(","),
      concurrency: this.#settings.concurrency,
    });
  }

  /**
   * Starts, and resolves when the server is closed: SIGTERM and SIGINT shut it down, SIGTSTP stops it from taking more. A second SIGTERM or
   * SIGINT ends the process at once.
   * @throws what `start` throws
   */
  async run(handler: Handler): Promise<void> {
    try {
      await this.start(handler);
    } catch (error) {
      // A connection that keeps trying would keep the process alive.
      if (this.#state === "new") await this.shutdown();
      throw error;
    }
    const { logger } = this.#settings;
    logger.info("Send signal TSTP to stop processing new tasks");
    logger.info("Send signal TERM or INT to terminate the process");
    await untilSignal({ onStop: () => this.stop(), ended: this.#ended.signal });
    await this.shutdown();
  }

  /** Takes no more tasks; what runs goes on. Without effect unless it is running. */
  stop(): void {
    if (this.#state !== "active") return;
    this.#move("stopped");
    this.#settings.logger.info("Stopping processor");
    this.#processor?.stopPulling();
  }

  /**
   * Takes no more tasks, waits `shutdownTimeoutMs` for handlers, requeues what still runs without charging a retry, writes every outcome and
   * closes the connection unless it is yours. Resolves when all that is done; never rejects.
   */
  shutdown(): Promise<void> {
    if (this.#closed === undefined) {
      this.#move("closed");
      this.#closed = this.#close();
    }
    return this.#closed;
  }

  /**
   * Asks Redis for an answer; resolves at once when the server is closed, as in Asynq.
   * @throws {RedisError}
   */
  async ping(): Promise<void> {
    if (this.#state === "closed") return;
    const [pong] = await this.#port.send([["PING"]]);
    if (pong?.error !== undefined) throw pong.error;
  }

  /** What was counted since the server was made, and how things stand. */
  metrics(): Metrics {
    const { leaked } = this.#counters;
    return {
      ...this.#counters.snapshot(),
      busy: this.#processor?.busy ?? 0,
      leaked,
      unsettledNow: this.#settler?.unsettled ?? 0,
      healthy: leaked < this.#settings.maxLeaked,
      watching: this.#watcher?.watching === true,
    };
  }

  /** Asynq's order of start. */
  #makeComponents(handler: HandlerFunc, cluster: boolean): Component[] {
    const [settings, counters] = [this.#settings, this.#counters];
    const { clock, forwardIntervalMs, recoverIntervalMs, janitorIntervalMs, repairIntervalMs, groupAggregator } = settings;
    const beats = makeHeartbeater(this.#connection, settings, counters, (intent) => this.#processor?.cancel(intent));
    this.#heartbeater = beats;
    this.#settler = settler(this.#broker, settings, counters, (freedSlots) => processor.fetchBeside(freedSlots));
    const wakes = waker(this.#port, settings, () => processor.wake());
    const { way } = this.#connection;
    const news = changes(() => this.#watcher?.watching === true);
    const onChange = (names?: string): void => {
      wakes.changed(names);
      news.heard(names);
    };
    this.#watcher = way === undefined ? undefined : watcher(way, settings, onChange);
    const parts = { broker: this.#broker, settings, counters, heartbeater: beats, settler: this.#settler, handler, cluster };
    const processor = new Processor(
      parts,
      () => wakes.rests(news.watching),
      () => news.watching,
    );
    this.#processor = processor;
    const listening = secondClient(this.#redis, settings.logger, clock);
    const subscribes =
      listening === undefined ? undefined : subscriber(listening, settings, (target) => processor.cancel(target), this.#watcher);
    const check = settings.healthCheckFunc;
    return [
      ...(settings.catchStrayRejections ? [strayRejections()] : []),
      beats,
      ...(check === undefined ? [] : [healthchecker(this.#port, settings, check, counters)]),
      ...(subscribes === undefined ? [] : [subscribes]),
      prober(this.#probes(subscribes), settings, () => processor.busy > 0),
      wakes,
      this.#settler,
      ...(recoverIntervalMs === false ? [] : [recoverer(this.#broker, { ...settings, recoverIntervalMs }, counters, news)]),
      ...(forwardIntervalMs === false ? [] : [forwarder(this.#broker, { ...settings, forwardIntervalMs }, counters, wakes.changed, news)]),
      processor,
      ...(janitorIntervalMs === false ? [] : [janitor(this.#broker, { ...settings, janitorIntervalMs }, counters, news)]),
      ...(repairIntervalMs === false ? [] : [repairer(this.#broker, { ...settings, repairIntervalMs }, counters, wakes.changed)]),
      ...(groupAggregator === undefined ? [] : [aggregator(this.#enqueuing(), { ...settings, groupAggregator }, counters, wakes.changed)]),
    ];
  }

  /** What sees whether connections are there that the heartbeats do not use; the port breaks one of ours that does not answer. */
  #probes(subscribes: Subscriber | undefined): ((signal: AbortSignal) => Promise<unknown>)[] {
    const ping = (signal: AbortSignal): Promise<unknown> =>
      this.#port.send([["PING"]], { timeoutMs: probeTimeoutMs, signal }).catch(() => {});
    return [...(subscribes === undefined ? [] : [subscribes.probe]), ...(beatsInThread(this.#connection, this.#settings) ? [ping] : [])];
  }

  /** A broker whose tasks are as safe as `durability` says: what a worker enqueues itself must not be lost either. */
  #enqueuing(): Broker {
    const { clock, random, limits } = this.#settings;
    if (this.#durability.tier === "none") return this.#broker;
    return makeBroker({ redis: durableRedis(this.#port, this.#durability), clock, random, limits });
  }

  get #durability(): DurabilityOptions {
    const { durability: tier, replicas } = this.#settings;
    return { tier, replicas };
  }

  async #lookAtClock(): Promise<void> {
    const { clock, logger } = this.#settings;
    if (!isCorrected(clock)) return;
    await clock.look(this.#port);
    checkSkew(clock);
    if (Math.abs(clock.offsetMs) > worrySkewMs)
      logger.warn("this machine's clock is off; Redis' is used", { offsetMs: Math.round(clock.offsetMs) });
  }

  async #close(): Promise<void> {
    const { logger } = this.#settings;
    logger.info("Starting graceful shutdown");
    for (const name of stopOrder) await this.#components.find((component) => component.name === name)?.stop();
    if (this.#connection.shared !== true) await this.#port.close();
    logger.info("Exiting");
    this.#ended.abort();
  }

  /** The only one that changes the state. */
  #move(to: ServerState): void {
    if (!moves[this.#state].includes(to)) throw new ServerStateError(`asynq: the server cannot go from ${this.#state} to ${to}`);
    this.#state = to;
    this.#heartbeater?.tell(to);
  }
}
