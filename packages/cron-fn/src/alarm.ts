/** Cloudflare's trigger for a grain of seconds: the alarm of a Durable Object. @module */
import { InvalidOptionError, systemClock } from "@asynqjs/core";
import { requestsOfWorker } from "./scheduled.ts";
import { tellFailures, tellReport } from "./tell-report.ts";
import { runSetup, type TickSetup } from "./tick-setup.ts";
import type { TickName } from "./timetable.ts";

/** What it needs of a Durable Object's storage. */
export interface AlarmStorage {
  getAlarm(): Promise<number | null>;
  setAlarm(atMs: number): Promise<void>;
  deleteAlarm(): Promise<void>;
}

/** Runs what is due every so often by the alarm of a Durable Object, which is one in the world, so that runs never meet. */
export class TickAlarm {
  readonly #storage: AlarmStorage;
  readonly #setup: TickSetup;
  readonly #everyMs: number;
  readonly #lastSecs = new Map<TickName, number>();

  /** @throws {InvalidOptionError} an interval that is none */
  constructor(storage: AlarmStorage, { everyMs = 10_000, ...setup }: TickSetup) {
    if (!(everyMs >= 100)) throw new InvalidOptionError("everyMs", "expected at least 100 milliseconds");
    this.#storage = storage;
    this.#setup = setup;
    this.#everyMs = everyMs;
  }

  /** Starts it, if it does not run: to be called by a cron trigger every minute, which then watches over it too. */
  async start(): Promise<void> {
    if ((await this.#storage.getAlarm()) === null) await this.#storage.setAlarm(this.#nowMs());
  }

  /** Stops it after what runs now. */
  async stop(): Promise<void> {
    await this.#storage.deleteAlarm();
  }

  /**
   * What the object's `alarm` is to call. The next alarm is set first, so that nothing that goes wrong ends it. It logs the report as JSON.
   * @throws {Error} a tick failed, after all others have run
   */
  async ring(): Promise<void> {
    await this.#storage.setAlarm(this.#nowMs() + this.#everyMs);
    const report = await runSetup({ maxRequests: requestsOfWorker, lastSecs: this.#lastSecs, ...this.#setup });
    console.log(tellReport(report));
    if (report.failed.length > 0) throw new Error(tellFailures(report.failed));
  }

  #nowMs(): number {
    return (this.#setup.clock ?? systemClock).nowMs();
  }
}
