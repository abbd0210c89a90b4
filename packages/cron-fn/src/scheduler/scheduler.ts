import { hostname } from "node:os";
import {
  type Broker,
  CronEntryNotFoundError,
  checkSkew,
  clearSchedulerEntries,
  describeTask,
  isCorrected,
  makeBroker,
  type NewTask,
  ServerStateError,
  seldom,
  sleep,
  Task,
  unixSec,
  uuid,
  worrySkewMs,
} from "@asynqjs/core";
import { type CronEntry, openClaims, type SlotHooks, schedule } from "@asynqjs/core/cron";
import { slotsBetween } from "../slots-between.ts";
import { composeEntry, type RegisterOptions } from "./compose-entry.ts";
import { type RedisSource, type Source, sourceOf } from "./redis-source.ts";
import { checkSchedulerOptions, type SchedulerOptions, type SchedulerSettings } from "./scheduler-options.ts";
import { untilSignal } from "./until-signal.ts";

/** A scheduler that was shut down is not started again. Asynq: `serverState`. */
export type SchedulerState = "new" | "active" | "closed";

/** Asynq's words for why a scheduler cannot be started. */
const notStartable: Readonly<Record<Exclude<SchedulerState, "new">, string>> = {
  active: "asynq: the scheduler is already running",
  closed: "asynq: the scheduler has already been stopped",
};

/** How long it is known which slots of an entry are decided, after the last scheduler that has it was up. */
const claimKeepSec = 90 * 24 * 3600;
const reopenEveryMs = 24 * 3600_000;
/** After a failure it is tried again so soon: a slot that is due waits. */
const retryMs = 1_000;

/** An entry that is registered, and since when its slots are its own. */
interface Registered {
  readonly entry: CronEntry;
  readonly sinceSec: number;
  /** When its claim was opened last, monotonic milliseconds. */
  openedAtMs: number;
}

/**
 * Enqueues periodic tasks. Any number of schedulers may have the same entries: each slot of an entry is enqueued once, whoever comes first.
 *
 * Constructing does no I/O. `shutdown` may be called twice.
 * @throws {InvalidOptionError} an option or a URI that cannot be used @throws {CronSpecError} no such time zone
 * @see Asynq scheduler.go
 */
export class Scheduler {
  readonly #settings: SchedulerSettings;
  readonly #source: Source;
  readonly #id: string;
  readonly #entries = new Map<string, Registered>();
  /** Aborts when the shutdown is done. */
  readonly #ended = new AbortController();
  readonly #fail: SchedulerSettings["logger"]["error"];
  #state: SchedulerState = "new";
  #broker: Broker | undefined;
  #running: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  #told = false;
  /** Ends the rest between two ticks. */
  #hurry = new AbortController();

  constructor(redis: RedisSource, options: SchedulerOptions = {}) {
    this.#settings = checkSchedulerOptions(options);
    this.#source = sourceOf(redis);
    const { clock, logger, random } = this.#settings;
    this.#id = `${hostname() || "unknown-host"}:${process.pid}:${uuid(random)}`;
    this.#fail = seldom(clock, logger.error);
  }

  get state(): SchedulerState {
    return this.#state;
  }

  /**
   * Has a task enqueued at each slot of the spec from now on, and answers the entry's id. Who registers the same again, here or in another
   * process, means the same entry. Does no I/O.
   * @throws {CronSpecError} the spec cannot be read @throws {InvalidOptionError} the task or an option cannot be used
   */
  register(spec: string, task: Task, options: RegisterOptions = {}): string {
    const entry = composeEntry(spec, task, options, this.#settings.location);
    const known = this.#entries.get(entry.id);
    // Its claim is in its queue: in another one it begins anew, and so do its slots.
    const { sinceSec, openedAtMs } =
      known?.entry.queue === entry.queue
        ? known
        : { sinceSec: unixSec(this.#settings.clock.nowMs()), openedAtMs: Number.NEGATIVE_INFINITY };
    this.#entries.set(entry.id, { entry, sinceSec, openedAtMs });
    this.#hurry.abort();
    return entry.id;
  }

  /**
   * Enqueues no task of this entry any more. Other schedulers that have it go on.
   * @throws {CronEntryNotFoundError}
   */
  unregister(entryId: string): void {
    if (!this.#entries.delete(entryId)) throw new CronEntryNotFoundError(entryId);
    this.#hurry.abort();
  }

  /**
   * Begins to enqueue. Redis need not be reachable yet.
   * @throws {ServerStateError} running or stopped
   * @throws {InvalidOptionError} a URI was given, and the package ioredis is not there
   */
  async start(): Promise<void> {
    if (this.#state !== "new") throw new ServerStateError(notStartable[this.#state]);
    const { clock, random, logger } = this.#settings;
    const redis = await this.#source.port();
    if (this.state !== "new") throw new ServerStateError(notStartable[this.state]);
    this.#state = "active";
    this.#broker = makeBroker({ redis, clock, random });
    logger.info("Scheduler starting", { entries: this.#entries.size });
    // What was registered before counts from now on.
    const startSec = unixSec(clock.nowMs());
    for (const [id, registered] of this.#entries) this.#entries.set(id, { ...registered, sinceSec: startSec });
    this.#running = this.#loop(this.#broker);
  }

  /**
   * Starts, and resolves when the scheduler is closed: SIGTERM and SIGINT shut it down.
   * @throws what `start` throws
   */
  async run(): Promise<void> {
    await this.start();
    this.#settings.logger.info("Send signal TERM or INT to stop the scheduler");
    await untilSignal(this.#ended.signal);
    await this.shutdown();
  }

  /** Enqueues nothing more, waits for what is under way, and takes back what it told. Resolves when that is done; never rejects. */
  shutdown(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /**
   * Asks Redis for an answer; resolves at once when the scheduler is closed, as in Asynq.
   * @throws {RedisError}
   */
  async ping(): Promise<void> {
    if (this.#state === "closed") return;
    const [pong] = await (await this.#source.port()).send([["PING"]]);
    if (pong?.error !== undefined) throw pong.error;
  }

  async #loop(broker: Broker): Promise<void> {
    const { clock } = this.#settings;
    while (this.#state === "active") {
      this.#hurry = new AbortController();
      const restMs = await this.#tick(broker).catch((error: Error) => {
        this.#fail("Scheduler could not reach redis", { error: error.message });
        return retryMs;
      });
      await sleep(clock, restMs, this.#hurry.signal);
    }
  }

  /** Answers after how long the next is due. */
  async #tick(broker: Broker): Promise<number> {
    const { clock, heartbeatIntervalMs } = this.#settings;
    await this.#lookAtClock(broker);
    const entries = await this.#open(broker);
    if (entries.length === 0) {
      await this.#untell(broker);
      return heartbeatIntervalMs;
    }
    this.#told = true;
    const report = await schedule(broker, {
      entries,
      slotsBetween,
      hooks: this.#hooks,
      told: { schedulerId: this.#id, forSec: (2 * heartbeatIntervalMs) / 1000 },
    });
    const { logger } = this.#settings;
    for (const { entry, error } of report.errors) this.#fail("Scheduler could not enqueue", { entry: entry ?? "", error: error.message });
    if (report.lost > 0) logger.warn("claims of entries were gone: nothing is fired of the past", { entries: report.lost });
    if (report.skipped > 0) logger.warn("slots were missed", { slots: report.skipped });
    if (report.more) return 0;
    const nextMs = report.nextSec === undefined ? Number.POSITIVE_INFINITY : report.nextSec * 1000 - clock.nowMs();
    return Math.max(0, Math.min(heartbeatIntervalMs, nextMs));
  }

  async #lookAtClock({ redis }: Broker): Promise<void> {
    const { clock, logger } = this.#settings;
    if (!isCorrected(clock)) return;
    const beforeMs = clock.offsetMs;
    await clock.look(redis);
    checkSkew(clock);
    if (Math.abs(clock.offsetMs) > worrySkewMs && Math.abs(beforeMs) <= worrySkewMs)
      logger.warn("this machine's clock is off; Redis' is used", { offsetMs: Math.round(clock.offsetMs) });
  }

  /** The entries whose claims are there; makes those that are not yet. */
  async #open(broker: Broker): Promise<CronEntry[]> {
    const nowMs = this.#settings.clock.monotonicMs();
    const registered = [...this.#entries.values()];
    const unopened = registered.filter(({ openedAtMs }) => nowMs - openedAtMs >= reopenEveryMs);
    const opened = await Promise.all(
      unopened.map(async ({ entry, sinceSec }) => {
        const after = { slotSec: sinceSec };
        const [outcome] = await openClaims(broker, [entry], { make: true, keepSec: claimKeepSec, after });
        return outcome!;
      }),
    );
    for (const [i, { value, error }] of opened.entries()) {
      const { id } = unopened[i]!.entry;
      if (value === "opened" || value === "was-open") unopened[i]!.openedAtMs = nowMs;
      else
        this.#fail("Scheduler cannot serve an entry", {
          entry: id,
          error: error?.message ?? "its id is, or was, that of an entry in Redis",
        });
    }
    return registered.filter(({ openedAtMs }) => openedAtMs !== Number.NEGATIVE_INFINITY).map(({ entry }) => entry);
  }

  get #hooks(): SlotHooks {
    const { preEnqueueFunc, postEnqueueFunc, enqueueErrorHandler, clock } = this.#settings;
    return {
      before: (entry, task) => this.#guard(() => preEnqueueFunc?.(asTask(entry), optionsOf(entry, task))),
      after: (entry, task, error) => {
        this.#guard(() => postEnqueueFunc?.(error === undefined ? describeTask(task, clock.nowMs()) : undefined, error));
        if (error !== undefined) this.#guard(() => enqueueErrorHandler?.(asTask(entry), optionsOf(entry, task), error));
      },
    };
  }

  /** A hook of yours stops nothing. */
  #guard(hook: () => void): void {
    try {
      hook();
    } catch (error) {
      this.#settings.logger.error("a hook of the scheduler threw", { error: String(error) });
    }
  }

  async #untell(broker: Broker): Promise<void> {
    if (!this.#told) return;
    await clearSchedulerEntries(broker, this.#id);
    this.#told = false;
  }

  async #close(): Promise<void> {
    const { logger } = this.#settings;
    this.#state = "closed";
    logger.info("Scheduler shutting down");
    this.#hurry.abort();
    await this.#running;
    if (this.#broker !== undefined)
      await this.#untell(this.#broker).catch(({ message }: Error) =>
        logger.warn("Scheduler could not clear its entries", { error: message }),
      );
    await this.#source.close();
    logger.info("Scheduler stopped");
    this.#ended.abort();
  }
}

function asTask({ type, payload, options }: CronEntry): Task {
  return new Task(type, payload, options);
}

function optionsOf(
  { queue, options, headers }: CronEntry,
  { message }: NewTask,
): Parameters<NonNullable<SchedulerOptions["preEnqueueFunc"]>>[1] {
  return { ...options, queue, headers, taskId: message.id };
}
