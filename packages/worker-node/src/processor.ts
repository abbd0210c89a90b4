import {
  type CancelIntent,
  type CancelTarget,
  Deadlines,
  type DequeuedTask,
  type DequeueReport,
  dequeue,
  isCanceledBy,
  leaseSec,
  maxDequeuePerCall,
  maxQueuesPerCall,
  type RedisError,
  seldom,
} from "@asynqjs/core";
import { maxCallsInFlight, tasksPerCall } from "./calls-in-flight.ts";
import type { Settings } from "./config.ts";
import type { HeldLease } from "./heartbeater.ts";
import { queueOrder } from "./queue-order.ts";
import type { FetchBeside } from "./settler.ts";
import { fenced } from "./task-outcome.ts";
import { type RunOwner, type RunParts, TaskRun } from "./task-run.ts";
import type { Component } from "./ticker.ts";

/** A fetch is repeated by the port, as the same call, for so long: what it popped must not be lost. */
const fetchTimeoutMs = leaseSec * 1000;
/** An answer later than that after its fetch left has used up too much of the lease: its tasks are requeued, not run. */
const tooLateMs = (leaseSec * 1000) / 3;
const longestBackOffMs = 3_000;
/** So many fetches one after the other that were filled show that there is more. One alone may have been for one task. */
const plentyAfter = 2;
/** On a Cluster a queue that has not answered for so long holds up the others no more: the port has begun to repeat the call by then. */
const patienceMs = 3_000;

/**
 * Takes tasks while it has free slots and runs them. A slot is taken before the fetch leaves and given back when the outcome was answered
 * and the handler has ended, so that no more than `concurrency` tasks are ever in this process's hands. The call that settles fetches as
 * well, into the slots that it frees.
 * @see Asynq processor.go
 */
export class Processor implements Component, RunOwner {
  readonly name = "processor";
  readonly deadlines: Deadlines<TaskRun>;
  readonly #parts: RunParts;
  readonly #order: () => string[];
  readonly #idleRestMs: () => number;
  readonly #isWatching: () => boolean;
  /** Not on a Cluster, where each queue is on a node of its own, nor of more queues than a call looks at. */
  readonly #settlesFetch: boolean;
  readonly #warn: Settings["logger"]["warn"];
  readonly #giveUpFetches = new AbortController();
  readonly #runs = new Set<TaskRun>();
  /** What a shutdown waits for: fetches and outcomes. */
  #unanswered = 0;
  #onAllAnswered = (): void => {};
  #pulling = false;
  #taken = 0;
  /** Those of them that calls in flight free before they fetch. */
  #freeing = 0;
  /** Those of them that fetches may still fill. */
  #reserved = 0;
  #fetches = 0;
  /** A suspect runs here, or a fetch in flight may bring one: the next may not. */
  #suspect = false;
  /** Queues that are asked and do not answer. */
  readonly #silent = new Set<string>();
  #failures = 0;
  /** Fetches one after the other that were filled. */
  #filled = 0;
  #pumpDue = false;
  /** How often it was told that there may be work: a fetch that was under way then may have missed it. */
  #wakes = 0;
  #rest: { readonly why: "idle" | "trouble"; readonly cancel: () => void } | undefined;
  #stopped: Promise<void> | undefined;

  /**
   * `idleRestMs` is asked when there was nothing to take: for how long to rest, unless it is woken; `isWatching`, whether Redis remembers for that
   * what fetches read.
   */
  constructor(parts: RunParts, idleRestMs: () => number, isWatching: () => boolean) {
    const { queues, strictPriority, random, clock, logger } = parts.settings;
    this.#parts = parts;
    this.deadlines = new Deadlines<TaskRun>(clock, (late) => {
      for (const run of late) run.overdue();
    });
    this.#idleRestMs = idleRestMs;
    this.#isWatching = isWatching;
    this.#settlesFetch = !parts.cluster && Object.keys(queues).length <= maxQueuesPerCall;
    this.#order = queueOrder(queues, { strict: strictPriority, random });
    this.#warn = seldom(clock, logger.warn);
  }

  start(): void {
    if (this.#stopped !== undefined) return;
    this.#pulling = true;
    this.#pump();
  }

  /** There may be work: looks at once instead of after the idle wait, and does not begin one on what was asked before. */
  wake(): void {
    this.#wakes++;
    if (this.#rest?.why !== "idle") return;
    this.#endRest();
    this.#pump();
  }

  /** Takes no more tasks; what runs goes on. */
  stopPulling(): void {
    this.#pulling = false;
    this.#endRest();
  }

  /** Takes no more tasks, waits for those that run, and requeues what still runs after `shutdownTimeoutMs`. */
  stop(): Promise<void> {
    this.#stopped ??= this.#shutdown();
    return this.#stopped;
  }

  /** Ends the runs that a cancelation means; one heard of twice ends them once. */
  cancel(target: CancelTarget | CancelIntent): void {
    for (const run of this.#runs) {
      if (isCanceledBy({ ...run.task, startedAtMs: run.startedAtMs }, target) && run.cancel()) this.#parts.counters.add("canceled");
    }
  }

  /** Tasks in this process's hands, leaked handlers among them. */
  get busy(): number {
    return this.#runs.size;
  }

  async #shutdown(): Promise<void> {
    const { clock, shutdownTimeoutMs, abortGraceMs, logger } = this.#parts.settings;
    this.stopPulling();
    if (this.#unanswered > 0) logger.info("Waiting for all workers to finish...");
    const cancelAbort = clock.after(Math.max(0, shutdownTimeoutMs - abortGraceMs), () => {
      for (const run of this.#runs) run.abort();
    });
    const cancelGiveUp = clock.after(shutdownTimeoutMs, () => {
      this.#giveUpFetches.abort();
      for (const run of this.#runs) run.giveUp();
    });
    if (this.#unanswered > 0)
      await new Promise<void>((resolve) => {
        this.#onAllAnswered = resolve;
      });
    cancelAbort();
    cancelGiveUp();
    this.deadlines.stop();
    logger.info("All workers have finished");
  }

  #pump(): void {
    const { settings, settler } = this.#parts;
    this.#pumpDue = false;
    // A second call is left to those that settle, where there are any and they may fetch: by itself it would take their turn, and find nothing
    // where little is.
    const most = this.#filled > 0 && (!this.#settlesFetch || settler.unsettled === 0) ? maxCallsInFlight : 1;
    while (this.#mayFetch && this.#fetches < most) {
      // As many as a call holds, so that nobody waits for the next one: what settles them is two calls.
      const free = Math.min(settings.concurrency - this.#taken, maxDequeuePerCall);
      if (free <= 0) return;
      void this.#fetch(free);
    }
  }

  get #mayFetch(): boolean {
    const { counters, settings } = this.#parts;
    return this.#pulling && this.#rest === undefined && this.#fetches < maxCallsInFlight && counters.leaked < settings.maxLeaked;
  }

  /**
   * What a call that settles fetches beside, once the slots are free that it frees; nothing where there is no room, or nothing was there a
   * moment ago, or calls that settle may not fetch.
   */
  fetchBeside(freedSlots: number): FetchBeside | undefined {
    const { concurrency } = this.#parts.settings;
    if (!this.#settlesFetch || !this.#mayFetch) return undefined;
    const limit = Math.min(concurrency - this.#taken + this.#freeing + freedSlots, tasksPerCall(concurrency));
    if (limit <= 0) return undefined;
    const queues = this.#order();
    this.#freeing += freedSlots;
    // What Redis is to remember costs it a fifth of a call, and who will not rest need not be woken.
    const unwatched = this.#filled >= plentyAfter && this.#isWatching();
    const { suspect, fetched } = this.#begin(limit, unwatched);
    return {
      ...{ queues, limit, suspect, unwatched },
      fetched: (found) => {
        this.#freeing -= freedSlots;
        fetched(found);
      },
    };
  }

  /** Reserves slots for a fetch; `fetched` takes what came, or why nothing did. */
  #begin(
    limit: number,
    unwatched = false,
  ): {
    readonly suspect: boolean;
    readonly sentAtMs: number;
    readonly fetched: FetchBeside["fetched"];
  } {
    const { clock, random } = this.#parts.settings;
    const suspect = !this.#suspect;
    if (suspect) this.#suspect = true;
    this.#taken += limit;
    this.#reserved += limit;
    this.#fetches++;
    this.#unanswered++;
    const wakes = this.#wakes;
    const sentAtMs = clock.monotonicMs();
    const fetched: FetchBeside["fetched"] = (found) => {
      this.#fetches--;
      const tasks = found instanceof Error ? [] : found.tasks;
      this.#taken -= limit - tasks.length;
      this.#reserved -= limit;
      if (suspect && !tasks.some((task) => task.suspect)) this.#suspect = false;

      this.#runWhatFits(tasks, sentAtMs);
      if (found instanceof Error) {
        this.#noteFailed(found);
        this.#restFor("trouble", random.float() * Math.min(longestBackOffMs, 100 * 2 ** this.#failures++));
      } else {
        this.#failures = 0;
        this.#note(found, limit, wakes, unwatched);
      }
      this.#pump();
      this.#noteAnswered();
    };
    return { suspect, sentAtMs, fetched };
  }

  async #fetch(limit: number): Promise<void> {
    const { broker, settings } = this.#parts;
    const { suspect, sentAtMs, fetched } = this.#begin(limit);
    const slow = settings.clock.after(tooLateMs, () => this.#warn("redis has not answered a fetch", { sinceMs: tooLateMs }));
    const queues = this.#order().filter((queue) => !this.#silent.has(queue));
    const onSilent = (queue: string, later: Promise<DequeueReport>): void => this.#await(this.#awaitSilent(queue, later, sentAtMs));
    const options = { suspect, patienceMs, onSilent, timeoutMs: fetchTimeoutMs, signal: this.#giveUpFetches.signal };
    const found = await dequeue(broker, queues, limit, options).catch((error: RedisError) => error);
    slow();
    fetched(found);
  }

  /** A queue that held up no other: what it brings after all is run if there is room for it by then, and handed back if not. */
  async #awaitSilent(queue: string, later: Promise<DequeueReport>, sentAtMs: number): Promise<void> {
    this.#silent.add(queue);
    this.#warn("a queue does not answer; the others are served meanwhile", { queue });
    try {
      const report = await later;
      this.#noteDropped(report);
      const isSecond = ({ suspect }: DequeuedTask): boolean => suspect && this.#suspect;
      const [seconds, tasks] = [report.tasks.filter(isSecond), report.tasks.filter((task) => !isSecond(task))];
      this.#taken += report.tasks.length;
      // Its end is not that of the one that is waited for.
      for (const task of seconds) this.#handBack({ ...task, suspect: false }, sentAtMs);
      if (tasks.some(({ suspect }) => suspect)) this.#suspect = true;
      this.#runWhatFits(tasks, sentAtMs);
    } catch (error) {
      this.#noteFailed(error);
    }
    this.#silent.delete(queue);
    this.wake();
  }

  /** Runs what came in time and has room, and hands back the rest. */
  #runWhatFits(tasks: readonly DequeuedTask[], sentAtMs: number): void {
    const { clock, concurrency } = this.#parts.settings;
    const inTime = this.#pulling && clock.monotonicMs() - sentAtMs <= tooLateMs;
    const tooMany = Math.max(0, this.#taken - this.#reserved - concurrency);
    const fit = inTime ? tasks.slice(0, Math.max(0, tasks.length - tooMany)) : [];
    this.#run(fit, sentAtMs);
    for (const task of tasks.slice(fit.length)) this.#handBack(task, sentAtMs);
  }

  #noteFailed(error: unknown): void {
    this.#parts.counters.add("dequeueErrors");
    this.#warn("could not fetch tasks", { error: (error as Error).message });
  }

  /** Who finds nothing rests, unless Redis would not tell of what comes: then it looks once more. */
  #note(report: DequeueReport, limit: number, wakes: number, unwatched: boolean): void {
    this.#noteDropped(report);
    const { tasks, dangling, putOff } = report;
    this.#filled = tasks.length === limit ? this.#filled + 1 : 0;
    if (tasks.length === limit) this.wake();
    else if (tasks.length === 0 && dangling + putOff === 0 && this.#wakes === wakes && !unwatched)
      this.#restFor("idle", this.#idleRestMs());
  }

  #noteDropped({ dangling, putOff, brokenQueues }: DequeueReport): void {
    const { settings, counters } = this.#parts;
    counters.add("dangling", dangling);
    counters.add("putOff", putOff);
    if (dangling > 0) settings.logger.warn("dropped ids whose task is gone", { dangling });
    if (putOff > 0) settings.logger.info("put off tasks that lost a worker before, since one of them runs at a time", { putOff });
    for (const queue of brokenQueues)
      this.#warn("a container of the queue holds the wrong kind of value: nothing is taken from it", { queue });
  }

  /** All leases are held before the first handler is called: it may block the process. */
  #run(tasks: readonly DequeuedTask[], sentAtMs: number): void {
    if (tasks.length === 0) return;
    const { clock } = this.#parts.settings;
    const times = { sentAtMs, nowMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
    const runs = tasks.map((task) => new TaskRun(this.#parts, this, task, times));
    const leases: HeldLease[] = [];
    for (const { lease } of runs) if (lease !== undefined) leases.push(lease);
    this.#parts.heartbeater.hold(leases);
    for (const run of runs) {
      this.#runs.add(run);
      this.#unanswered++;
      run.start();
    }
  }

  answered(): void {
    this.#noteAnswered();
  }

  over(run: TaskRun): void {
    this.#runs.delete(run);
    this.#free(run.task);
  }

  /** A task that came when it cannot be run any more. */
  #handBack(task: DequeuedTask, sentAtMs: number): void {
    const lease = { endsAtMs: sentAtMs + leaseSec * 1000 };
    this.#unanswered++;
    this.#parts.settler.settle({ ...fenced(task), to: "requeued" }, lease, "requeued", {
      freesSlot: true,
      answered: () => {
        this.#free(task);
        this.wake();
        this.#noteAnswered();
      },
    });
  }

  #free(task: DequeuedTask): void {
    this.#taken--;
    if (task.suspect) this.#suspect = false;
    // Slots that come free together are filled by one fetch.
    if (this.#pumpDue) return;
    this.#pumpDue = true;
    process.nextTick(() => this.#pump());
  }

  #noteAnswered(): void {
    if (--this.#unanswered === 0) this.#onAllAnswered();
  }

  #restFor(why: "idle" | "trouble", restMs: number): void {
    if (!this.#pulling || this.#rest?.why === "trouble") return;
    this.#endRest();
    const cancel = this.#parts.settings.clock.after(restMs, () => {
      this.#rest = undefined;
      this.#pump();
    });
    this.#rest = { why, cancel };
  }

  #endRest(): void {
    this.#rest?.cancel();
    this.#rest = undefined;
  }

  #await(promise: Promise<void>): void {
    this.#unanswered++;
    void promise.finally(() => this.#noteAnswered());
  }
}
