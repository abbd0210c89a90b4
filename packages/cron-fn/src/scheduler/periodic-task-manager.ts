import { demand, InvalidOptionError, ServerStateError, sleep, type Task } from "@asynqjs/core";
import { type CronEntry, sayTheSame } from "@asynqjs/core/cron";
import { composeEntry, type RegisterOptions } from "./compose-entry.ts";
import type { RedisSource } from "./redis-source.ts";
import { Scheduler } from "./scheduler.ts";
import { checkSchedulerOptions, type SchedulerOptions, type SchedulerSettings } from "./scheduler-options.ts";
import { untilSignal } from "./until-signal.ts";

/** A periodic task as a provider says it. Asynq: `PeriodicTaskConfig`. */
export interface PeriodicTaskConfig {
  readonly cronspec: string;
  readonly task: Task;
  readonly options?: RegisterOptions | undefined;
}

/** Says which periodic tasks there are, as often as it is asked. Asynq: `PeriodicTaskConfigProvider`. */
export interface PeriodicTaskConfigProvider {
  getConfigs(): readonly PeriodicTaskConfig[] | Promise<readonly PeriodicTaskConfig[]>;
}

/** Options of a `PeriodicTaskManager`: those of its scheduler besides. Asynq: `PeriodicTaskManagerOpts`. */
export interface PeriodicTaskManagerOptions extends SchedulerOptions {
  readonly periodicTaskConfigProvider: PeriodicTaskConfigProvider;
  /** How often the provider is asked, milliseconds. Default 180,000. */
  readonly syncIntervalMs?: number | undefined;
}

/**
 * Keeps a scheduler's entries to what a provider says: asks it at the start and every three minutes, registers what is new and unregisters
 * what is gone; what an id of yours stands for is registered anew where it says something else. What stays the same is not touched.
 *
 * Constructing does no I/O. `shutdown` may be called twice.
 * @throws {InvalidOptionError} an option or a URI that cannot be used
 * @see Asynq periodic_task_manager.go
 */
export class PeriodicTaskManager {
  readonly #provider: PeriodicTaskConfigProvider;
  readonly #scheduler: Scheduler;
  readonly #settings: SchedulerSettings;
  readonly #syncIntervalMs: number;
  /** Ends the rest between two syncs. */
  readonly #stopping = new AbortController();
  /** The entries that are registered, by their ids. */
  #entries: ReadonlyMap<string, CronEntry> = new Map();
  #syncing: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  readonly #ended = new AbortController();

  constructor(redis: RedisSource, options: PeriodicTaskManagerOptions) {
    const { periodicTaskConfigProvider, syncIntervalMs = 180_000, ...ofScheduler } = Object(options) as PeriodicTaskManagerOptions;
    demand(
      typeof periodicTaskConfigProvider?.getConfigs === "function",
      "periodicTaskConfigProvider",
      "expected an object with getConfigs",
    );
    demand(Number.isFinite(syncIntervalMs) && syncIntervalMs > 0, "syncIntervalMs", "expected milliseconds above 0");
    this.#provider = periodicTaskConfigProvider;
    this.#syncIntervalMs = syncIntervalMs;
    this.#settings = checkSchedulerOptions(ofScheduler);
    const { clock, random } = this.#settings;
    this.#scheduler = new Scheduler(redis, { ...ofScheduler, clock, random });
  }

  /**
   * Asks the provider and begins to enqueue what it says. A task whose spec cannot be read is logged, and tried again at each sync.
   * @throws {Error} the provider failed, or said what is no config: nothing is started, and it may be called again
   * @throws what `Scheduler.start` throws
   */
  async start(): Promise<void> {
    if (this.#scheduler.state !== "new" || this.#syncing !== undefined)
      throw new ServerStateError(
        `asynq: the periodic task manager is ${this.#scheduler.state === "closed" ? "stopped" : "already running"}`,
      );
    this.#register(await this.#configs("asynq: initial call to GetConfigs"));
    await this.#scheduler.start();
    this.#syncing = this.#loop();
  }

  /** Starts, and resolves when the manager is closed: SIGTERM and SIGINT shut it down. @throws what `start` throws */
  async run(): Promise<void> {
    await this.start();
    await untilSignal(this.#ended.signal);
    await this.shutdown();
  }

  /** Ends the syncing and the scheduler. Resolves when that is done; never rejects. */
  shutdown(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#stopping.abort();
    await this.#syncing;
    await this.#scheduler.shutdown();
    this.#ended.abort();
  }

  async #loop(): Promise<void> {
    const { clock, logger } = this.#settings;
    const { signal } = this.#stopping;
    for (;;) {
      await sleep(clock, this.#syncIntervalMs, signal);
      if (signal.aborted) return;
      try {
        this.#register(await this.#configs("call to GetConfigs"));
      } catch (error) {
        logger.error("Failed to sync periodic tasks", { error: (error as Error).message });
      }
    }
  }

  /** All of them, or none where one is no config. */
  async #configs(call: string): Promise<readonly PeriodicTaskConfig[]> {
    let configs: readonly PeriodicTaskConfig[];
    try {
      configs = await this.#provider.getConfigs();
    } catch (error) {
      throw new Error(`${call} failed: ${(error as Error)?.message ?? error}`, { cause: error });
    }
    for (const config of configs) {
      const { cronspec, task } = Object(config) as Partial<PeriodicTaskConfig>;
      const fault = task === undefined ? "task" : typeof cronspec !== "string" || cronspec === "" ? "cronspec" : undefined;
      if (fault === undefined) continue;
      const expected = fault === "task" ? "expected a Task" : "expected a cron spec";
      throw new Error(`${call} contained an invalid config: ${new InvalidOptionError(fault, expected).message}`);
    }
    return configs;
  }

  #register(configs: readonly PeriodicTaskConfig[]): void {
    const { location, logger } = this.#settings;
    const entries = new Map<string, CronEntry>();
    for (const { cronspec, task, options = {} } of configs) {
      try {
        const entry = composeEntry(cronspec, task, options, location);
        const known = entries.get(entry.id) ?? this.#entries.get(entry.id);
        if (known === undefined || !sayTheSame(known, entry)) this.#scheduler.register(cronspec, task, options);
        entries.set(entry.id, entry);
      } catch (error) {
        logger.error("Failed to register periodic task", { cronspec: String(cronspec), error: (error as Error).message });
      }
    }
    for (const id of this.#entries.keys()) if (!entries.has(id)) this.#scheduler.unregister(id);
    this.#entries = entries;
  }
}
