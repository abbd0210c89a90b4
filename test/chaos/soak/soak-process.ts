/**
 * One process that does everything at once, round after round: enqueues over TCP and through a gateway, runs, fails, retries, cancels and
 * aggregates tasks, loses its connections, starts and ends servers. After each round it waits until nothing is left to be done, and prints
 * a `Sample`. To be run with `--expose-gc` and `--import watch-emitters.ts`. Settings: JSON in its first argument.
 * @module
 */
import { getEventListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { getHeapSpaceStatistics } from "node:v8";
import { Client } from "@asynqjs/client-edge";
import { cancelProcessing, type EnqueueOptions, makeBroker, systemClock, systemRandom, Task } from "@asynqjs/core";
import { ioredisPort, ioredisSettings, parseRedisUri } from "@asynqjs/core/redis/ioredis";
import { startGateway } from "@asynqjs/gateway";
import { type Config, type ProcessingTask, Server } from "@asynqjs/worker-node";
import { Redis } from "ioredis";
import type { Canaries } from "../canaries.ts";
import type { Sample } from "./judge-flat.ts";
import { countListeners } from "./watch-emitters.ts";

export interface SoakSettings {
  readonly redisUrl: string;
  readonly canaries: Canaries;
  /** How long it goes on once it is warm. */
  readonly ms: number;
  /** Leaves something of each kind behind in every round: to see whether that is found. */
  readonly leaks: boolean;
}

const { redisUrl, canaries, ms, leaks } = JSON.parse(process.argv[2]!) as SoakSettings;
/** Rounds before the first sample, for what is made once: compiled code, caches, pools. */
const warmUpRounds = 12;
/** Of fewer samples nothing is known. */
const leastRounds = 10;
const tasksPerRound = { plain: 150, fails: 20, keeps: 10, waits: 4, grouped: 12 };

const admin = new Redis(redisUrl, { protocol: 2 });
const client = new Redis(ioredisSettings(parseRedisUri(redisUrl)).options);
client.on("error", () => {});
const port = ioredisPort(client, { managed: true });
const broker = makeBroker({ redis: port, clock: systemClock, random: systemRandom });
const gateway = await startGateway({ redis: redisUrl, tokens: [canaries["gateway-token"]], port: 0 });
const producers = [new Client({ redis: port }), new Client({ url: gateway.url, token: canaries["gateway-token"] })];
/** One signal for all calls there will ever be. */
const { signal } = new AbortController();
const waiting = new Set<string>();
let done = 0;

async function handle(task: ProcessingTask): Promise<void> {
  if (task.type === "fails" && task.retryCount === 0) throw new Error("the first run fails");
  if (task.type === "keeps") await task.resultWriter.write(canaries.result);
  if (task.type === "waits") {
    waiting.add(task.id);
    await new Promise<void>((resolve) => task.signal.addEventListener("abort", () => resolve(), { once: true }));
    waiting.delete(task.id);
    throw task.signal.reason;
  }
  void task.logWriter.log("a line");
  done++;
}

const config: Config = {
  concurrency: 20,
  heartbeatIntervalMs: 500,
  taskCheckIntervalMs: 100,
  delayedTaskCheckIntervalMs: 100,
  recoverIntervalMs: 500,
  repairIntervalMs: 1_000,
  janitorIntervalMs: 500,
  retryDelayFunc: () => 0,
  // A server that goes tells its handlers after a moment, and has time for what it asked Redis.
  shutdownTimeoutMs: 3_000,
  abortGraceMs: 2_900,
  onCancel: "delete",
  groupAggregator: (_, tasks) => new Task("aggregated", tasks.map((task) => task.text()).join()),
  groupGracePeriodMs: 1_000,
  groupMaxSize: 6,
};

function makeTasks(): Task[] {
  const payload = { canary: canaries.payload };
  const headers = { "x-secret": canaries.header };
  const some = (type: keyof typeof tasksPerRound, options: EnqueueOptions = {}): Task[] =>
    Array.from({ length: tasksPerRound[type] }, () => new Task(type, payload, { headers, ...options }));
  return [...some("plain"), ...some("fails"), ...some("keeps", { retentionSec: 1 }), ...some("waits"), ...some("grouped", { group: "g" })];
}

async function workOneRound(): Promise<void> {
  for (const producer of producers) {
    for (const { error } of await producer.enqueueMany(makeTasks(), { signal })) if (error !== undefined) throw error;
  }
  const passing = new Server(redisUrl, config);
  await passing.start(handle);
  await until(() => waiting.size > 0);
  await admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await admin.call("CLIENT", "KILL", "TYPE", "pubsub");
  await passing.shutdown();
  await until(async () => {
    await cancelProcessing(
      broker,
      [...waiting].map((id) => ({ id })),
    );
    return isDrained();
  });
}

async function isDrained(): Promise<boolean> {
  const q = "asynq:{default}:";
  const lists = await Promise.all([admin.llen(`${q}pending`), admin.llen(`${q}active`)]);
  const sets = await Promise.all(["lease", "scheduled", "retry", "g:g", "aggregation_sets"].map((name) => admin.zcard(q + name)));
  return waiting.size === 0 && [...lists, ...sets].every((count) => count === 0);
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(20);
}

/** As soon as every connection is back, so that everything but timers counts as often as it did before; or after a while as it is. */
async function takeSample(before: Sample | undefined): Promise<Sample> {
  const steady = ({ Timeout, ...counts }: Sample["counts"]): string => JSON.stringify(counts);
  let counts = await countAll();
  for (const untilMs = performance.now() + 1_500; performance.now() < untilMs; counts = await countAll()) {
    if (before !== undefined && steady(counts) === steady(before.counts)) break;
    await sleep(50);
  }
  return { tasks: done, heapBytes: heapOfObjects(), counts };
}

/** What V8 makes of code, the hotter the more, is in spaces of its own. */
function heapOfObjects(): number {
  const spaces = getHeapSpaceStatistics().filter(({ space_name: name }) => !/code|trusted|read_only|shared/.test(name));
  return spaces.reduce((sum, { space_used_size: bytes }) => sum + bytes, 0);
}

async function countAll(): Promise<Sample["counts"]> {
  // The connection to the gateway is closed when it was idle for some seconds.
  for (const producer of producers) await producer.ping();
  for (let time = 0; time < 2; time++) {
    globalThis.gc!();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  const connections = Number(/connected_clients:(\d+)/.exec(await admin.info("clients"))![1]);
  const sorted = Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...Object.fromEntries(sorted), listeners: countListeners(), onSignal: getEventListeners(signal, "abort").length, connections };
}

const kept: unknown[] = [];
function leak(): void {
  // About a kilobyte a task: in so few rounds the heap itself goes up and down by what is a tenth of that.
  kept.push(...Array.from({ length: 2_000 }, (_, i) => ({ i, text: `left behind ${i}` })));
  process.on("SIGUSR2", () => {});
  setTimeout(() => {}, 3_600_000);
  void new Redis(redisUrl);
}

const server = new Server(redisUrl, { ...config, logLevel: "debug" });
await server.start(handle);
let sample: Sample | undefined;
for (let round = 0; round < warmUpRounds; round++) await workOneRound();
const startMs = performance.now();
for (let round = 0; round < leastRounds || performance.now() < startMs + ms; round++) {
  await workOneRound();
  if (leaks) leak();
  sample = await takeSample(sample);
  process.stdout.write(`${JSON.stringify(sample)}\n`);
}
process.exit();
