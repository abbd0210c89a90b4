/** The worker suites' `test`: a real Redis, a manual clock that drives every timer of the server, and servers that are closed after the test. */
import {
  type Broker,
  type Command,
  composeTask,
  type EnqueueOptions,
  enqueue,
  makeBroker,
  type Payload,
  type RedisPort,
  type Reply,
  systemClock,
  systemRandom,
  Task,
  type TaskMessage,
} from "@asynqjs/core";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { type KeyValue, type ManualClock, manualClock, readKeyspace, seededRandom } from "@asynqjs/core/testing";
import { decodeTaskMessage } from "@asynqjs/core/wire";
import { type Config, type RedisSource, Server } from "@asynqjs/worker-node";
import type { Cluster, Redis } from "ioredis";
import { test as redisTest } from "./redis-test.ts";

export { describe, expect } from "vitest";

/** Where the clock of every test starts: later than Redis' own, so that nothing that is given a time to live is over already. */
export const startMs: number = Date.UTC(2040, 0, 2, 3, 4, 5);
export const startSec: number = startMs / 1000;

type NewTaskOptions = EnqueueOptions & { readonly type?: string; readonly payload?: Payload };

interface ServerFixtures {
  readonly clock: ManualClock;
  /** Straight to Redis. */
  readonly port: RedisPort;
  /** A port whose calls `quiet` waits for too. */
  readonly awaited: (port: RedisPort) => RedisPort;
  /** Lets time pass for the servers, second by second, and Redis answer after each. */
  readonly pass: (ms: number) => Promise<void>;
  /** Resolves when every call on `port` and those `awaited` is answered and nothing follows from it. */
  readonly quiet: () => Promise<void>;
  /** A client of its own, for seeding. */
  readonly broker: Broker;
  readonly calls: { inFlight: number };
  /** Enqueues tasks, first to be taken first. */
  readonly seed: (...tasks: NewTaskOptions[]) => Promise<void>;
  /** A server on the manual clock; its log is in `log`, everything it does on a timer is off but what the test turns on. */
  readonly makeServer: (config?: Config, redis?: RedisSource) => Server;
  /** Starts one with a handler that does nothing, on a connection of its own, and waits until Redis tells it of changes. */
  readonly watchingServer: (config?: Config) => Promise<Server>;
  /** What the servers logged, as `warn lease lost … {details}`. */
  readonly log: string[];
  /** Everything in Redis but the call records and what servers tell of themselves. */
  readonly keyspace: () => Promise<Record<string, KeyValue>>;
  /** A stored message, read. */
  readonly message: (id: string, queue?: string) => Promise<TaskMessage>;
}

export const test = redisTest.extend<ServerFixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixture's needs from the pattern
  clock: async ({}, use) => use(manualClock(startMs)),
  port: async ({ redis, awaited }, use) => use(awaited(ioredisPort(redis))),
  awaited: async ({ calls }, use) => {
    const counted = <T>(call: Promise<T>): Promise<T> => {
      calls.inFlight++;
      return call.finally(() => calls.inFlight--);
    };
    await use((port) => ({
      ...port,
      features: () => counted(port.features()),
      send: (commands, options) => counted(port.send(commands, options)),
    }));
  },
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixture's needs from the pattern
  calls: async ({}, use) => use({ inFlight: 0 }),
  quiet: async ({ calls }, use) =>
    use(async () => {
      for (let still = 0; still < 5; still = calls.inFlight === 0 ? still + 1 : 0) await turn();
    }),
  pass: async ({ clock, quiet }, use) =>
    use(async (ms) => {
      await quiet();
      for (let leftMs = ms; leftMs > 0; leftMs -= 1_000) {
        await clock.advance(Math.min(1_000, leftMs));
        await quiet();
      }
    }),
  broker: async ({ port, clock }, use) => use(makeBroker({ redis: port, clock, random: seededRandom(1) })),
  seed: async ({ broker, clock }, use) => {
    const random = seededRandom(2);
    await use(async (...tasks) => {
      const composed = tasks.map(({ type = "email:send", payload, ...options }) =>
        composeTask(new Task(type, payload), options, { clock, random }),
      );
      for (const result of await enqueue(broker, composed)) if (result.error !== undefined) throw result.error;
    });
  },
  watchingServer: async ({ makeServer, redisUrl, pass }, use) =>
    use(async (config = {}) => {
      const server = makeServer(config, redisUrl);
      await server.start(() => {});
      await watching(pass, server);
      return server;
    }),
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixture's needs from the pattern
  log: async ({}, use) => use([]),
  makeServer: async ({ port, clock, log }, use) => {
    const servers: Server[] = [];
    const line =
      (level: string) =>
      (message: string, details?: object): void =>
        void log.push(`${level} ${message}${details === undefined ? "" : ` ${JSON.stringify(details)}`}`);
    await use((config = {}, redis = port) => {
      const server = new Server(redis, {
        concurrency: 10,
        clock,
        random: seededRandom(3),
        logLevel: "debug",
        logger: { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") },
        delayedTaskCheckIntervalMs: false,
        recoverIntervalMs: false,
        repairIntervalMs: false,
        janitorIntervalMs: false,
        ...config,
      });
      servers.push(server);
      return server;
    });
    for (const server of servers) await closing(server, clock);
  },
  keyspace: async ({ port }, use) =>
    use(async () =>
      Object.fromEntries(Object.entries(await readKeyspace(port)).filter(([key]) => !/^asynq:(servers|workers)(:|$)/.test(key))),
    ),
  message: async ({ redis }, use) =>
    use(async (id, queue = "default") => {
      const msg = await redis.hgetBuffer(`asynq:{${queue}}:t:${id}`, "msg");
      return decodeTaskMessage(msg!, `task "${id}"`);
    }),
});

/** Resolves when the condition holds, looking at every turn of the event loop; no time passes for the server. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await turn();
}

/** Until Redis tells these servers of changes. */
export async function watching(pass: (ms: number) => Promise<void>, ...servers: readonly Server[]): Promise<void> {
  await until(async () => {
    await pass(20);
    return servers.every((server) => server.metrics().watching);
  });
}

/** Lets time pass up to a time for servers on connections of their own, a second at a time. */
export async function passUntil(toMs: number, clock: ManualClock, redis: Redis): Promise<void> {
  while (clock.nowMs() < toMs) {
    await clock.advance(Math.min(1_000, toMs - clock.nowMs()));
    // What Redis was asked before, and what follows from it, is answered before.
    for (let i = 0; i < 4; i++) await redis.ping();
  }
}

/** Redis, its clock being another: what `TIME` answers, and a server that tells of itself. */
export function byClock(port: RedisPort, nowMs: () => number): RedisPort {
  const text = (number: number): Uint8Array => new TextEncoder().encode(String(number));
  const time = (): Reply => [text(Math.floor(nowMs() / 1000)), text((nowMs() % 1000) * 1000)];
  const asksTime = ([name, , , key]: Command): boolean =>
    name === "TIME" || (String(name).startsWith("EVAL") && String(key).startsWith("asynq:servers:{"));
  return {
    ...port,
    async send(commands, options) {
      const results = await port.send(commands, options);
      return results.map((result, i) => (result.error === undefined && asksTime(commands[i]!) ? { reply: time() } : result));
    },
  };
}

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Shuts a server down, letting time pass as fast as it can. */
export async function closing(server: Server, clock: ManualClock): Promise<void> {
  let closed = false;
  const shutdown = server.shutdown().finally(() => {
    closed = true;
  });
  while (!closed) {
    await turn();
    await clock.advance(100);
  }
  await shutdown;
}

/** A promise and the functions that settle it, for handlers that end when the test says so. */
export function gate<T = void>(): { readonly opened: Promise<T>; open(value: T): void; fail(error: unknown): void } {
  let open!: (value: T) => void;
  let fail!: (error: unknown) => void;
  const opened = new Promise<T>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { opened, open, fail };
}

/** Enqueues a task with the client and answers what a server on `redis` got: its payload, or why it failed. */
export async function roundTrip(redis: RedisSource, client: Redis | Cluster, options: EnqueueOptions = {}): Promise<string> {
  const parts = { clock: systemClock, random: systemRandom };
  const broker = makeBroker({ redis: ioredisPort(client), ...parts });
  for (const result of await enqueue(broker, [composeTask(new Task("echo", "hello", options), {}, parts)])) {
    if (result.error !== undefined) throw result.error;
  }
  const server = new Server(redis, { queues: { default: 1, other: 1 }, logger: silent });
  try {
    return await new Promise<string>((resolve, reject) => {
      server.start((task) => resolve(`${task.queue}: ${task.text()}`)).catch(reject);
    });
  } finally {
    await server.shutdown();
  }
}

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
