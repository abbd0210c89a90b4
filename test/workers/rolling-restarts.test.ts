import { Client } from "@asynqjs/client-edge";
import { type RedisPort, Task } from "@asynqjs/core";
import { seededRandom } from "@asynqjs/core/testing";
import type { Metrics, ProcessingTask } from "@asynqjs/worker-node";
import { onTestFinished } from "vitest";
import { openPort } from "../support/open-port.ts";
import { expect, gate, test, turn } from "../support/server-test.ts";
import { type TcpFault, tcpFaults } from "../support/tcp-faults.ts";

const restarts = 1_000;
const tasksPerRestart = 5;
/** Handlers are told to end after half of it. */
const shutdownTimeoutMs = 1_000;
const queues = { critical: 6, default: 3, low: 1 };

/** What a handler does in the first run of a task; in a later one it succeeds at once. */
const manners: Record<string, (task: ProcessingTask, serverClosed: Promise<void>) => Promise<void>> = {
  "succeeds at once": turn,
  "succeeds when it is told to end": ({ signal }) => aborted(signal),
  "gives up when it is told to end": ({ signal }) => aborted(signal).then(() => Promise.reject(signal.reason)),
  "succeeds when its server is gone": (_, serverClosed) => serverClosed,
  "fails when its server is gone": (_, serverClosed) => serverClosed.then(() => Promise.reject(new Error("too late"))),
};

/** What is lost on the way, in turn, and a word of the request that it is lost of: a fetch, an outcome, an enqueue. */
const losses: readonly [TcpFault, string][] = (["drop-reply", "drop-request"] as const).flatMap((fault) =>
  [":paused", ":completed", "payload"].map((word): [TcpFault, string] => [fault, word]),
);

type Counter = Exclude<keyof Metrics, "healthy" | "watching" | "waitSec" | "runSec">;
const neverCounted: readonly Counter[] = [
  ...(["retried", "failed", "archived", "quarantined", "recovered", "recoveredArchived", "putOff"] as const),
  ...(["leaseLost", "leaseExpired", "unsettled", "dangling"] as const),
];

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}

test("a thousand servers replaced one after the other, replies lost on the way: every task is done, nothing is charged", {
  timeout: 120_000,
}, async ({ redisUrl, awaited, pass, makeServer, keyspace }) => {
  const faults = await tcpFaults({ port: Number(new URL(redisUrl).port) });
  onTestFinished(() => faults.stop());
  const db = Number(new URL(redisUrl).pathname.slice(1));
  const open = (): RedisPort => awaited(openPort("redis", { port: faults.port, db }, { tryTimeoutMs: 500 }));
  const runs = new Map<string, number>();
  const succeeded = new Set<string>();
  let mostRetried = 0;
  let started = 0;
  const start = async () => {
    const closed = gate();
    const port = open();
    // By chance of its own: two servers of one client id would take each other's call records for their own.
    const random = seededRandom(1_000 + started++);
    const timers = { abortGraceMs: 500, heartbeatIntervalMs: 2_000, delayedTaskCheckIntervalMs: 2_000, recoverIntervalMs: 60_000 };
    const server = makeServer({ queues, shutdownTimeoutMs, random, ...timers }, port);
    await server.start(async (task) => {
      const run = (runs.get(task.id) ?? 0) + 1;
      runs.set(task.id, run);
      mostRetried = Math.max(mostRetried, task.retryCount);
      if (run === 1) await manners[task.type]!(task, closed.opened);
      succeeded.add(task.id);
    });
    return { server, port, closed };
  };
  const random = seededRandom(7);
  const one = <T>(of: readonly T[]): T => of[Math.floor(random.float() * of.length)]!;

  const producer = open();
  const client = new Client({ redis: producer });
  const enqueued: string[] = [];
  const live = [await start(), await start(), await start()];
  const past: Metrics[] = [];
  const replaceOldest = async (): Promise<void> => {
    const { server, port, closed } = live.shift()!;
    const shutdown = server.shutdown();
    await pass(shutdownTimeoutMs);
    await shutdown;
    closed.open();
    await turn();
    past.push(server.metrics());
    await port.close();
  };

  const enqueueSome = async (restart: number): Promise<void> => {
    const tasks = Array.from({ length: tasksPerRestart }, (_, i) => {
      const options = { taskId: `${restart}-${i}`, queue: one(Object.keys(queues)), ...(i === 0 ? { uniqueTtlSec: 3_600 } : {}) };
      return new Task(one(Object.keys(manners)), `payload ${restart}-${i}`, options);
    });
    for (const { info } of await client.enqueueMany(tasks)) enqueued.push(info!.id);
  };

  for (let restart = 0; restart < restarts || succeeded.size < enqueued.length; restart++) {
    if (restart % 7 === 0) faults.next(...losses[(restart / 7) % losses.length]!);
    if (restart % 50 === 49) faults.cut();
    if (restart < restarts) await enqueueSome(restart);
    live.push(await start());
    await replaceOldest();
  }
  while (live.length > 0) await replaceOldest();
  await producer.close();

  expect(enqueued).toHaveLength(restarts * tasksPerRestart);
  expect([...succeeded].sort()).toEqual(enqueued.sort());
  expect(mostRetried).toBe(0);
  const sum = (counter: Counter): number => past.reduce((total, metrics) => total + metrics[counter], 0);
  expect(Object.fromEntries(neverCounted.map((counter) => [counter, sum(counter)]))).toEqual(
    Object.fromEntries(neverCounted.map((counter) => [counter, 0])),
  );
  expect(sum("done")).toBe(enqueued.length);
  // Three manners of five do not end in time.
  expect(sum("requeued")).toBeGreaterThan(enqueued.length / 2);
  const space = await keyspace();
  const processed = Object.keys(queues).map((queue) => Number(space[`asynq:{${queue}}:processed`]));
  expect(processed.reduce((total, count) => total + count)).toBe(enqueued.length);
  // Nothing is left but counters: no failure, no lock, no lease.
  expect(Object.keys(space).filter((key) => !/:processed(:2040-01-02)?$/.test(key))).toEqual(["asynq:queues"]);
});
