/** One run: a world of its own from a seed, its faults, its end. @module */
import { makeBroker, type RedisPort, repair } from "@asynqjs/core";
import type { QueueState } from "@asynqjs/core/invariants";
import { gatewayApp, type RedisLink } from "@asynqjs/gateway";
import { CallHistory } from "./call-history.ts";
import { EdgeActor } from "./edge-actor.ts";
import { Faults } from "./faults.ts";
import { checkEnd, checkInvariants, checkTasks, isOver, readTasks } from "./inspection.ts";
import { LeaseHistory } from "./lease-history.ts";
import { Ledger } from "./ledger.ts";
import { CronActor, Operator } from "./maintenance.ts";
import { Nemesis } from "./nemesis.ts";
import type { NetworkParts } from "./network.ts";
import { RedisSide } from "./redis-side.ts";
import { ServerActor } from "./server-actor.ts";
import { queues } from "./workload.ts";
import { World } from "./world.ts";

/** What a run needs of the real world: an empty Redis of its own, reached in two ways. */
export interface RealRedis {
  readonly port: RedisPort;
  readonly link: RedisLink;
}

export interface RunOptions {
  readonly seed: number;
  /** With faults; then as many as it takes. */
  readonly steps: number;
  /** Told of each event. */
  readonly onEvent?: ((text: string) => void) | undefined;
}

export interface RunReport {
  readonly seed: number;
  readonly level: Faults["level"];
  /** Choices of the scheduler, and how many of them while no fault struck any more. */
  readonly steps: number;
  readonly drainSteps: number;
  readonly simulatedSec: number;
  readonly tasks: number;
  readonly runs: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly duplicates: Readonly<Record<string, number>>;
  /** The same for two runs in which the same happened. */
  readonly digest: string;
  readonly violations: readonly string[];
  readonly lastEvents: readonly string[];
}

/** How long work may take once faults are over. */
const patienceMs = 3_600_000;
/** The tasks are held against the ledger so often. */
const checkEverySteps = 200;

/** Runs `steps` steps with faults, and then as many as it takes until all work is done. */
export async function simulate({ port, link }: RealRedis, { seed, steps, onEvent }: RunOptions): Promise<RunReport> {
  const world = new World(seed, onEvent);
  const faults = new Faults(world);
  const redis = new RedisSide(world, port);
  const ledger = new Ledger(world);
  ledger.strict = faults.level !== "any";
  let numbers = 0;
  const token = "a-token-for-the-simulation";
  const gateway = gatewayApp({ link, tokens: [token] });
  const leases = new LeaseHistory(() => world.nowMs);
  const calls = new CallHistory();
  const carriedOut: NetworkParts["carriedOut"] = (commands, results) => {
    leases.add(commands, results);
    calls.add(commands, results);
  };
  const parts = { world, faults, redis, leases, carriedOut, ledger, gateway, token, nextNumber: () => ++numbers };
  // Nothing of the run before may be left: what Redis knows by its hash is not sent by text.
  await redis.ask("FLUSHALL");
  await redis.ask("SCRIPT", "FLUSH");
  const stray = (error: unknown): void => ledger.violated(`a promise was rejected and nobody waited for it: ${String(error)}`);
  process.on("unhandledRejection", stray);

  const servers: ServerActor[] = [];
  const clients: EdgeActor[] = [];
  const cron = await world.outside(() => {
    for (let place = 0, count = 1 + world.below(3); place < count; place++) servers.push(new ServerActor(parts, place));
    for (let place = 0; place < 2; place++) clients.push(new EdgeActor(parts, place));
    return new CronActor(parts);
  });
  const nemesis = new Nemesis(parts, { servers, clients, cron, operator: new Operator(parts) });
  world.strike = () => nemesis.strike();

  let states: readonly QueueState[] = [];
  let pauses = 0;
  let repaired = false;
  const look = async (): Promise<void> => {
    checkTasks(ledger, await readTasks(port));
    const wasFull = !repaired && faults.counts["redis full"] !== undefined;
    states = await checkInvariants(ledger, port, states, { pauseChanged: redis.pauses !== pauses, wasFull });
    pauses = redis.pauses;
    for (const finding of calls.findings) ledger.violated(finding);
    for (const { key, message } of leases.findings()) ledger.violated(`I7 ${key}: ${message}`);
  };
  const step = async (): Promise<void> => {
    await world.step();
    for (const server of servers) server.look();
    if (world.steps % checkEverySteps === 0) await look();
  };
  const broken = (): boolean => ledger.violations.length > 0;
  let faultSteps = 0;
  try {
    while (world.steps < steps && !broken()) await step();
    faultSteps = world.steps;
    if (!broken()) await drain();
  } catch (error) {
    ledger.violated(error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    process.off("unhandledRejection", stray);
    await redis.ask("CONFIG", "SET", "maxmemory", "0");
  }

  /** No fault strikes any more: all that was acknowledged must be done in time, and every server can be shut down. */
  async function drain(): Promise<void> {
    await world.outside(() => nemesis.end());
    const untilMs = world.nowMs + patienceMs;
    // What a client still asks for comes when it comes.
    const undone = async (): Promise<boolean> =>
      clients.some(({ underWay }) => underWay > 0) || (await readTasks(port)).some((task) => !isOver(task));
    while (!broken() && world.nowMs < untilMs && (world.steps % checkEverySteps > 0 || (await undone()))) await step();
    if (broken()) return;
    cron.runs = false;
    let down = 0;
    await world.outside(() => {
      for (const server of servers) void server.shutdown(false).then(() => down++);
    });
    while (!broken() && down < servers.length && world.nowMs < untilMs + patienceMs) await step();
    if (down < servers.length) ledger.violated(`${servers.length - down} servers did not shut down`);
    await repairOnce();
    await look();
    checkEnd(ledger, await readTasks(port));
  }

  /** Once all is over nothing is left to be mended but the name of a queue. */
  async function repairOnce(): Promise<void> {
    const { clock, random } = world.start("the last repairer");
    const {
      published: _,
      more: __,
      nextSec: ___,
      errors,
      ...mended
    } = await world.outside(() => repair(makeBroker({ redis: port, clock, random }), { queues: Object.keys(queues) }));
    for (const [what, count] of Object.entries(mended)) if (count > 0) ledger.violated(`${count} ${what} were left to be mended`);
    for (const { error } of errors) throw error;
    repaired = true;
  }

  for (const each of [...world.processes]) world.end(each, "left");
  return {
    seed,
    level: faults.level,
    steps: world.steps,
    drainSteps: world.steps - faultSteps,
    simulatedSec: Math.round(world.nowMs / 1000),
    tasks: ledger.entries.size,
    runs: ledger.runs,
    faults: faults.counts,
    duplicates: Object.fromEntries(ledger.duplicates),
    digest: world.trace.digest(),
    violations: ledger.violations,
    lastEvents: world.trace.last,
  };
}
