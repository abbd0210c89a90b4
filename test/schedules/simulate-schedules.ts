/**
 * Cron entries around the edges of daylight saving, on a real Redis and a clock that is told the time: at each step five schedulers tick four
 * times at once, each killed at some request, while a worker runs what is there; then one that lives. Each slot is to be fired exactly once.
 * @module
 */
import { type Broker, dequeue, makeBroker, type Random, type RedisPort, settle } from "@asynqjs/core";
import { addCronEntry, type SlotsBetween, schedule } from "@asynqjs/core/cron";
import { type ManualClock, manualClock, seededRandom } from "@asynqjs/core/testing";
import { slotsBetween } from "@asynqjs/cron-fn";
import { clockChanges } from "./clock-faces.ts";
import { allQueues, entries, type Since, tasksBetween, zones } from "./entries.ts";
import { type KilledRedis, killedRedis } from "./killed-redis.ts";
import { Ledger } from "./ledger.ts";

export interface SchedulesOptions {
  readonly redis: RedisPort;
  readonly years: number;
  readonly seed: number;
  /** Lives through every n-th window only. Default 1: each. */
  readonly stride?: number | undefined;
  /** Told of each window that was lived through. */
  readonly onWindow?: ((soFar: SchedulesReport) => void) | undefined;
}

export interface SchedulesReport {
  readonly windows: number;
  readonly edges: number;
  /** Fired exactly once, each. */
  readonly slots: number;
  readonly ticks: number;
  readonly killed: number;
  readonly seconds: number;
  readonly violations: readonly string[];
}

/** Later than Redis' own, so that nothing is over already; a leap year. */
const startMs = Date.UTC(2040, 0, 1);
const [daySec, schedulers, copies] = [86_400, 5, 4];
/** As where a trigger comes every four hours: what is not older was not missed. */
const graceSec = 4 * 3600;
/** Steps are shorter, with the seconds by which a scheduler's clock is behind. */
const [leastStepSec, mostStepSec, lagSec] = [60, graceSec - 60, 7];

/**
 * Lives through the days around each edge, jumping from one to the next.
 * Ends at the first violation.
 */
export async function simulateSchedules({ redis, years, seed, stride = 1, onWindow }: SchedulesOptions): Promise<SchedulesReport> {
  const beganMs = performance.now();
  const [clock, random, ledger] = [manualClock(startMs), seededRandom(seed), new Ledger()];
  const worker = makeBroker({ redis, clock, random: seededRandom(seed + 1) });
  const world: World = { redis, clock, random, ledger, worker, counts: { ticks: 0, killed: 0 }, since: { sinceSec: startMs / 1000 } };
  for (const entry of entries) await addCronEntry(worker, entry);

  const windows = findWindows(years).filter((_, i) => i % stride === 0);
  const report = (lived: number): SchedulesReport => ({
    windows: lived,
    edges: windows.slice(0, lived).reduce((sum, { edges }) => sum + edges, 0),
    slots: ledger.met,
    ...world.counts,
    seconds: (performance.now() - beganMs) / 1000,
    violations: ledger.violations,
  });
  for (const [i, window] of windows.entries()) {
    await liveThrough(world, window);
    onWindow?.(report(i + 1));
    if (ledger.violations.length > 0) return report(i + 1);
  }
  return report(windows.length);
}

interface Window {
  readonly fromSec: number;
  readonly untilSec: number;
  /** How many edges are in it. */
  readonly edges: number;
}

/** Two days before and behind each edge of each zone, and 29 February; those that meet are one. */
function findWindows(years: number): Window[] {
  const first = new Date(startMs).getUTCFullYear();
  const untilSec = Date.UTC(first + years, 0) / 1000;
  const leapDays = Array.from({ length: years }, (_, i) => Date.UTC(first + i, 1, 29) / 1000).filter(
    (sec) => new Date(sec * 1000).getUTCMonth() === 1,
  );
  const centers = [
    ...zones.flatMap((zone) => clockChanges(zone, startMs / 1000, untilSec)).map((sec) => ({ sec, edges: 1 })),
    ...leapDays.map((sec) => ({ sec, edges: 0 })),
  ];
  const windows: { fromSec: number; untilSec: number; edges: number }[] = [];
  for (const { sec, edges } of centers.sort((a, b) => a.sec - b.sec)) {
    const last = windows.at(-1);
    if (last !== undefined && sec - 2 * daySec <= last.untilSec) {
      last.untilSec = sec + 2 * daySec;
      last.edges += edges;
    }
    // Between two minutes, where no slot is, neither now nor where those begin that are not missed.
    else windows.push({ fromSec: sec - 2 * daySec - 1, untilSec: sec + 2 * daySec, edges });
  }
  return windows;
}

interface World {
  readonly redis: RedisPort;
  readonly clock: ManualClock;
  readonly random: Random;
  readonly ledger: Ledger;
  readonly worker: Broker;
  readonly counts: { ticks: number; killed: number };
  readonly since: Since;
}

async function liveThrough(world: World, { fromSec, untilSec }: Window): Promise<void> {
  const { clock, random, ledger, since } = world;
  // What lies between this window and the last was missed, but for what is not older than is on time.
  clock.jump(fromSec * 1000 - clock.nowMs());
  for (let [knownSec, nowSec] = [fromSec - graceSec, fromSec]; ; [knownSec, nowSec] = [nowSec, clock.nowMs() / 1000]) {
    ledger.expect(tasksBetween(knownSec, nowSec, since));
    await tickTogether(world);
    if (ledger.violations.length > 0 || nowSec >= untilSec) return;
    const stepSec = leastStepSec + Math.floor(random.float() * (mostStepSec - leastStepSec));
    await clock.advance(Math.min(stepSec, untilSec - nowSec) * 1000);
  }
}

/** Five schedulers, each four times at once and killed somewhere, and a worker beside them; then one that lives, and all is there. */
async function tickTogether({ redis, clock, random, ledger, worker, counts }: World): Promise<void> {
  const slots = remembered(slotsBetween);
  const seed = (): number => Math.floor(random.float() * 2 ** 32);
  const tick = (port: RedisPort, behindSec: number): Promise<unknown> => {
    counts.ticks++;
    const behind = { ...clock, nowMs: () => clock.nowMs() - behindSec * 1000 };
    return schedule(makeBroker({ redis: port, clock: behind, random: seededRandom(seed()) }), { slotsBetween: slots, graceSec });
  };

  let isOver = false;
  const storm = Array.from({ length: schedulers * copies }, async (_, i) => {
    const port: KilledRedis = killedRedis(redis, Math.floor(random.float() * 5), random.float() < 0.5 ? "request" : "reply");
    const outcome = await tick(port, lagSec * (i % schedulers)).catch((error: unknown) => error);
    if (port.killed) counts.killed++;
    else demandReport(outcome);
  });
  const drained = (async () => {
    while (!isOver) await runAll(worker, ledger);
  })();
  await Promise.all(storm);
  isOver = true;
  await drained;

  demandReport(await tick(redis, 0));
  await runAll(worker, ledger);
  ledger.demandAll();
}

/** @throws {Error} a tick that was not killed did not go well */
function demandReport(outcome: unknown): void {
  if (outcome instanceof Error) throw outcome;
  const [first] = (outcome as Awaited<ReturnType<typeof schedule>>).errors;
  if (first !== undefined) throw first.error;
}

/** Takes what is there and is done with it: nothing is left of a task. */
async function runAll(worker: Broker, ledger: Ledger): Promise<void> {
  for (;;) {
    const { tasks } = await dequeue(worker, allQueues, 100);
    if (tasks.length === 0) return;
    for (const { id } of tasks) ledger.ran(id);
    await settle(
      worker,
      tasks.map(({ queue, id, token }) => ({ queue, id, fence: { token }, to: "done" })),
    );
  }
}

/** All of a step ask for the same. */
function remembered(find: SlotsBetween): SlotsBetween {
  const known = new Map<string, readonly number[]>();
  return (times, afterSec, untilSec, most) => {
    const question = `${times.spec} ${times.timeZone} ${times.anchorSec} ${afterSec} ${untilSec} ${most}`;
    let slots = known.get(question);
    if (slots === undefined) {
      slots = find(times, afterSec, untilSec, most);
      known.set(question, slots);
    }
    return slots;
  };
}
