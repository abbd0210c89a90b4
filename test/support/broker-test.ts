/**
 * The broker suites' `test`: a manual clock, chance that repeats, and a broker on the port that the vitest project names, so that the same
 * suites pass on every port.
 */
import {
  type Broker,
  composeTask,
  type DequeuedTask,
  dequeue,
  type EnqueueOptions,
  enqueue,
  makeBroker,
  type NewTask,
  type Payload,
  Task,
} from "@asynqjs/core";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import {
  type FaultyRedis,
  faultyRedis,
  type KeyValue,
  type ManualClock,
  manualClock,
  readKeyspace,
  seededRandom,
} from "@asynqjs/core/testing";
import { startGateway } from "@asynqjs/gateway";
import { Cluster, Redis } from "ioredis";
import { afterAll, inject } from "vitest";
import type {} from "./global-cluster.ts";
import { type LossyPort, openLossyPort } from "./lossy-port.ts";
import { openPort, type PortKind, type Whereabouts } from "./open-port.ts";
import { test as redisTest } from "./redis-test.ts";
import { startSentinels } from "./redis-topologies.ts";

export { expect } from "vitest";

/** Where the clock of every broker test starts: later than Redis' own, so that nothing these tests give a time to live is over already. */
const startMs = Date.UTC(2040, 0, 2, 3, 4, 5);
export const startSec: number = startMs / 1000;
export const startNs = `${startSec}000000000`;

const kind = inject("brokerPort");

interface BrokerFixtures {
  readonly clock: ManualClock;
  /** The port under test, able to lose what it sends. */
  readonly port: FaultyRedis;
  readonly broker: Broker;
  /** The same port on a way of its own, which loses what it is told to lose. */
  readonly lossy: LossyPort;
  /** Another client on the same Redis: its call records are its own. */
  readonly other: Broker;
  /** A task ready to be enqueued. */
  readonly aTask: (options?: EnqueueOptions & { readonly type?: string; readonly payload?: Payload }) => NewTask;
  /** Enqueues tasks with these ids. */
  readonly seedPending: (...ids: string[]) => Promise<void>;
  /** Enqueues a task with this id and takes it: it is active, its lease `broker`'s. */
  readonly seedActive: (id: string) => Promise<DequeuedTask>;
  /** Everything in Redis but the call records. */
  readonly keyspace: () => Promise<Record<string, KeyValue>>;
}

const portTest = redisTest.extend<{ redis: Redis; at: Whereabouts }>({
  redis: async ({ redisUrl }, use) => {
    const redis = await connect(redisUrl);
    redis.on("error", () => {});
    await use(redis);
    redis.disconnect();
  },
  // The database is empty once the client is there.
  at: async ({ redis: _, redisUrl }, use) => use(await whereabouts(redisUrl)),
});

/** How vitest makes a value where the Redis under test is. */
type At<T> = (context: { readonly at: Whereabouts }, use: (value: T) => Promise<void>) => Promise<void>;

/** A port of that kind, and one that loses what it is told to, for `test.extend`. */
export function portFixtures(of: PortKind): { readonly port: At<FaultyRedis>; readonly lossy: At<LossyPort> } {
  return {
    port: async ({ at }, use) => {
      const port = openPort(of, at);
      await use(faultyRedis(port));
      await port.close();
    },
    lossy: async ({ at }, use) => {
      const lossy = await openLossyPort(of, at);
      await use(lossy);
      await lossy.stop();
    },
  };
}

export const test = portTest.extend<BrokerFixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixture's needs from the pattern
  clock: async ({}, use) => use(manualClock(startMs)),
  ...portFixtures(kind),
  broker: async ({ port, clock }, use) => use(makeBroker({ redis: port, clock, random: seededRandom(1) })),
  other: async ({ port, clock }, use) => use(makeBroker({ redis: port, clock, random: seededRandom(2) })),
  aTask: async ({ clock }, use) => {
    const random = seededRandom(3);
    await use(({ type = "email:send", payload, ...options } = {}) => composeTask(new Task(type, payload), options, { clock, random }));
  },
  seedPending: async ({ broker, aTask }, use) =>
    use(async (...ids) => {
      await enqueue(
        broker,
        ids.map((taskId) => aTask({ taskId })),
      );
    }),
  seedActive: async ({ broker, seedPending }, use) =>
    use(async (id) => {
      await seedPending(id);
      const [task] = (await dequeue(broker, ["default"], 1)).tasks;
      return task!;
    }),
  keyspace: async ({ redis }, use) => {
    const nodes = redis.isCluster ? (redis as unknown as Cluster).nodes("master") : [redis];
    const ports = nodes.map((node) => ioredisPort(node));
    await use(async () => Object.assign({}, ...(await Promise.all(ports.map((port) => readKeyspace(port))))));
    for (const port of ports) await port.close();
  },
});

/** The servers that the project's port needs, beside the Redis of all tests. */
async function whereabouts(redisUrl: string): Promise<Whereabouts> {
  const url = new URL(redisUrl);
  const at = { port: Number(url.port), db: Number(url.pathname.slice(1)) };
  switch (kind) {
    case "sentinel":
      sentinels ??= startSentinels(at);
      return { ...at, sentinels: (await sentinels).ports };
    case "cluster":
      return { cluster: inject("clusters")[Number(process.env.VITEST_POOL_ID) - 1]! };
    case "fetch":
    case "upstash":
      gateway ??= startGateway({ redis: redisUrl, tokens: [token], port: 0 });
      return { gateway: { url: (await gateway).url, token } };
    default:
      return at;
  }
}

/** A client of the tests' own, straight to where the port leads, on an empty database. */
async function connect(redisUrl: string): Promise<Redis> {
  if (kind !== "cluster") return new Redis(redisUrl, { protocol: 2 });
  const { cluster: ports } = await whereabouts(redisUrl);
  const client = new Cluster([{ host: "127.0.0.1", port: ports![0]! }], { redisOptions: { protocol: 2 } });
  await new Promise((resolve) => client.once("ready", resolve));
  const onMasters = <T>(ask: (node: Redis) => Promise<T>): Promise<T[]> => Promise.all(client.nodes("master").map(ask));
  const onEach = Object.assign(client as unknown as Redis, {
    keys: async (pattern: string) => (await onMasters((node) => node.keys(pattern))).flat(),
    flushdb: async () => (await onMasters((node) => node.flushdb())).at(0)!,
    script: async (...words: string[]) => (await onMasters((node) => node.call("SCRIPT", ...words))).at(0),
  });
  await onEach.flushdb();
  return onEach;
}

const token = "a-token-that-only-these-tests-know";

/** One of each for all tests of a file. */
let gateway: ReturnType<typeof startGateway> | undefined;
let sentinels: ReturnType<typeof startSentinels> | undefined;
afterAll(async () => {
  await (await gateway)?.close();
  await (await sentinels)?.stop();
});

declare module "vitest" {
  interface ProvidedContext {
    /** Which port the broker suites run on. */
    brokerPort: PortKind;
  }
}
