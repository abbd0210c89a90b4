import {
  type AggregateOptions,
  type AggregateReport,
  addReports,
  aggregate,
  type Broker,
  beginTicks,
  earliest,
  type ForwardReport,
  forward,
  InvalidOptionError,
  type JanitorReport,
  janitor,
  noteTick,
  type RecoverReport,
  type RepairReport,
  recover,
  repair,
  sleep,
  type TickOptions,
  type TickReport,
  unixSec,
} from "@asynqjs/core";
import { type ScheduleReport, schedule } from "@asynqjs/core/cron";
import { countRequests } from "./count-requests.ts";
import { slotsBetween } from "./slots-between.ts";
import { defaultTimetable, isDue, isRare, type TickName, type Timetable, tickNames } from "./timetable.ts";

export interface RunTicksOptions {
  /** Which ticks, now, whatever the timetable says. Default: those that are due by it. */
  readonly ticks?: readonly TickName[] | undefined;
  /** Rows that differ from `defaultTimetable`. */
  readonly timetable?: Partial<Timetable> | undefined;
  /** Which queues. Default: all that `asynq:queues` names. */
  readonly queues?: readonly string[] | undefined;
  /** When it stops taking on more, milliseconds from its start. Default 50,000: less than a minute, so that runs seldom meet. */
  readonly budgetMs?: number | undefined;
  /** With it, what is due runs again every so many milliseconds until the budget is spent: for a finer grain than the platform's. */
  readonly everyMs?: number | undefined;
  /**
   * When it stops taking on more: after so many requests, each repetition of one that got no answer beside. What is begun is brought to its
   * end, which takes a few. Default: any number.
   */
  readonly maxRequests?: number | undefined;
  /** What makes one task of a group's, and when; without it nothing is aggregated. */
  readonly aggregate?: Omit<AggregateOptions, keyof TickOptions> | undefined;
  /** How old a slot of a cron entry may be to be on time, seconds; an older one was missed, and is caught up as its entry says. Default 90. */
  readonly graceSec?: number | undefined;
  /** Whether a task with `maxRetry` 0 is run again after its worker was lost. Default false. */
  readonly recoverNoRetry?: boolean | undefined;
  /** Whether `repair` sweeps the keyspace too. Default: where Redis is reached directly. */
  readonly sweep?: boolean | undefined;
  /** When ticks that are no rarer than a minute last ended: keep one, and hand it to each run of a process that runs them again and again. */
  readonly lastSecs?: Map<TickName, number> | undefined;
  /** Stops it like a spent budget: what is under way ends. */
  readonly signal?: AbortSignal | undefined;
}

/** Something that went wrong, with a whole tick or with one queue, group or cron entry of it, while everything else was served. */
export interface FailedTick {
  readonly tick: TickName;
  readonly queue?: string | undefined;
  readonly group?: string | undefined;
  readonly entry?: string | undefined;
  readonly error: Error;
}

/** What the ticks that ran did, and what came of it. */
export interface TicksReport {
  readonly schedule?: ScheduleReport;
  readonly forward?: ForwardReport;
  readonly recover?: RecoverReport;
  readonly aggregate?: AggregateReport;
  readonly janitor?: JanitorReport;
  readonly repair?: RepairReport;
  /** Nothing where all went well. */
  readonly failed: readonly FailedTick[];
  /** Whether work was left when the budget was spent. */
  readonly more: boolean;
  /** Unix seconds: when the next of what waits is due, as far as was seen. */
  readonly nextSec?: number | undefined;
  /** How many requests were sent. */
  readonly requests: number;
}

/**
 * Runs maintenance once: what a platform's cron calls every minute. Each tick that is due has its turn with its share of what is left of the
 * budget, and those with work left have another while there is any. A tick that fails is named in the report and holds up no other.
 *
 * Any number of copies may run at once, and each may be killed at any moment: the next one goes on. What is trimmed goes by the broker's
 * limits: give it those your servers have. With a corrected clock it looks at Redis' own first.
 * @throws {InvalidOptionError} an option that cannot be used
 * @throws {RedisError} Redis could not be asked which queues there are; call it again
 * @throws {ClockSkewError} the clocks are more than five minutes apart
 */
export async function runTicks(broker: Broker, options: RunTicksOptions = {}): Promise<TicksReport> {
  const { budgetMs = 50_000, everyMs, maxRequests = Number.POSITIVE_INFINITY, signal } = options;
  check(options);
  const redis = countRequests(broker.redis);
  const run: Run = {
    broker: { ...broker, redis },
    options,
    table: { ...defaultTimetable, ...options.timetable },
    lastSecs: options.lastSecs ?? new Map(),
    left: () => ({
      ms: signal?.aborted ? 0 : startMs + budgetMs - broker.clock.monotonicMs(),
      requests: maxRequests - redis.requests,
    }),
    reports: new Map(),
    failed: new Map(),
  };
  const startMs = broker.clock.monotonicMs();
  for (let nextMs = startMs; ; ) {
    await runRound(run);
    if (everyMs === undefined) break;
    nextMs += everyMs;
    if (nextMs >= startMs + budgetMs || isSpent(run)) break;
    await sleep(broker.clock, Math.max(0, nextMs - broker.clock.monotonicMs()), signal);
    if (isSpent(run)) break;
  }
  const reports = [...run.reports.values()];
  return {
    ...Object.fromEntries(run.reports),
    failed: [...run.failed.values()],
    more: reports.some(({ more }) => more),
    nextSec: earliest(...reports.map(({ nextSec }) => nextSec)),
    requests: redis.requests,
  };
}

interface Run {
  readonly broker: Broker;
  readonly options: RunTicksOptions;
  readonly table: Timetable;
  readonly lastSecs: Map<TickName, number>;
  readonly left: () => { readonly ms: number; readonly requests: number };
  readonly reports: Map<TickName, TickReport>;
  /** By where it went wrong: what goes wrong again is told once, as it was last. */
  readonly failed: Map<string, FailedTick>;
}

function isSpent({ left }: Run): boolean {
  const { ms, requests } = left();
  return ms <= 0 || requests <= 0;
}

/** Gives each tick that is due its turn, and then those with work left another, until there is none or the budget is spent. */
async function runRound(run: Run): Promise<void> {
  const { broker, options, table, lastSecs, left } = run;
  const inReach = tickNames.filter((tick) => tick !== "aggregate" || options.aggregate !== undefined);
  const rare = options.ticks === undefined ? inReach.filter((tick) => isRare(table[tick])) : [];
  // Whoever serves some queues alone tidies up in those alone.
  const noted = (tick: TickName): string => (options.queues === undefined ? tick : `${tick} ${options.queues.toSorted().join(",")}`);
  const begin = await beginTicks(broker, { names: rare.map(noted) });
  const queues = options.queues ?? begin.queues;
  const nowSec = unixSec(broker.clock.nowMs());
  const lastOf = (tick: TickName): number | undefined => (rare.includes(tick) ? begin.lastSecs.get(noted(tick)) : lastSecs.get(tick));

  let turns = options.ticks ?? inReach.filter((tick) => isDue(table[tick], nowSec, lastOf(tick)));
  do {
    const again: TickName[] = [];
    const all = turns.reduce((sum, tick) => sum + table[tick].share, 0);
    const { ms, requests } = left();
    for (const tick of turns) {
      const part = table[tick].share / all;
      try {
        const report = await runTurn(run, tick, queues, { ms: ms * part, requests: Math.ceil(requests * part) });
        if (report.more) again.push(tick);
        else if (rare.includes(tick)) await noteTick(broker, noted(tick));
        else lastSecs.set(tick, nowSec);
      } catch (error) {
        fail(run, { tick, error: error as Error });
      }
    }
    turns = again;
  } while (turns.length > 0 && !isSpent(run));
}

/** One turn of a tick, with so much of what is left. */
async function runTurn(
  run: Run,
  tick: TickName,
  queues: readonly string[],
  part: { readonly ms: number; readonly requests: number },
): Promise<TickReport> {
  const { broker, options, left, reports } = run;
  const atStart = left();
  const enough = (): boolean => isSpent(run) || atStart.requests - left().requests >= part.requests;
  const report = await runTick(broker, tick, { queues, budgetMs: Math.max(0, part.ms), enough }, options);
  const before = reports.get(tick);
  reports.set(tick, before === undefined ? report : addReports(before, report));
  for (const where of report.errors) fail(run, { tick, ...where });
  return report;
}

function runTick(broker: Broker, tick: TickName, turn: TickOptions, options: RunTicksOptions): Promise<TickReport> {
  switch (tick) {
    case "schedule":
      return schedule(broker, { ...turn, queues: options.queues, slotsBetween, graceSec: options.graceSec });
    case "forward":
      return forward(broker, turn);
    case "recover":
      return recover(broker, { ...turn, recoverNoRetry: options.recoverNoRetry });
    case "aggregate":
      return aggregate(broker, { ...options.aggregate!, ...turn });
    case "janitor":
      return janitor(broker, turn);
    case "repair":
      return repair(broker, { ...turn, sweep: options.sweep });
  }
}

function fail({ failed }: Run, one: FailedTick): void {
  // A cron entry that cannot be read is in no queue: its error alone names it.
  const named = one.queue === "" ? one.error.message : undefined;
  failed.set(JSON.stringify([one.tick, one.queue, one.group, one.entry, named]), one);
}

function check({ ticks = [], timetable = {}, budgetMs = 0, everyMs = 1, maxRequests = 1, aggregate: group }: RunTicksOptions): void {
  const unknown = [...ticks, ...Object.keys(timetable)].find((name) => !tickNames.includes(name as TickName));
  if (unknown !== undefined) throw new InvalidOptionError("ticks", `"${unknown}" is none of ${tickNames.join(", ")}`);
  if (ticks.includes("aggregate") && group === undefined) throw new InvalidOptionError("aggregate", "expected an aggregator for that tick");
  for (const { everySec, share } of Object.values(timetable))
    if (!(everySec >= 0 && share > 0)) throw new InvalidOptionError("timetable", "expected seconds from 0 and a share above 0");
  if (!(budgetMs >= 0)) throw new InvalidOptionError("budgetMs", "expected milliseconds from 0");
  if (!(everyMs > 0)) throw new InvalidOptionError("everyMs", "expected milliseconds above 0");
  if (!(maxRequests >= 1)) throw new InvalidOptionError("maxRequests", "expected a number from 1");
}
