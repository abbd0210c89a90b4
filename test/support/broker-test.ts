/**
 * The broker suites' `test`: a manual clock, chance that repeats, and a broker on the port that the vitest project names, so that the same
 * suites pass on every port.
 */
import {
  type Broker,
  composeTask,
  type EnqueueOptions,
  enqueue,
  makeBroker,
  type NewTask,
  type Payload,
  type RedisPort,
  Task,
} from "@asynqjs/core";
import { fetchRedis } from "@asynqjs/core/redis/fetch";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { upstashRedis } from "@asynqjs/core/redis/upstash";
import {
  type FaultyRedis,
  faultyRedis,
  type KeyValue,
  type ManualClock,
  manualClock,
  readKeyspace,
  replayingRedis,
  seededRandom,
} from "@asynqjs/core/testing";
import { startGateway } from "@asynqjs/gateway";
import { Redis as UpstashRedis } from "@upstash/redis";
import { Cluster, Redis } from "ioredis";
import { afterAll, inject } from "vitest";
import { test as redisTest } from "./redis-test.ts";
import { startCluster, startSentinel } from "./redis-topologies.ts";

export { expect } from "vitest";

/** Where the clock of every broker test starts: later than Redis' own, so that nothing these tests give a time to live is over already. */
const startMs = Date.UTC(2040, 0, 2, 3, 4, 5);
export const startSec: number = startMs / 1000;
export const startNs = `${startSec}000000000`;

interface BrokerFixtures {
  readonly clock: ManualClock;
  /** The port under test, able to lose what it sends. */
  readonly port: FaultyRedis;
  readonly broker: Broker;
  /** Another client on the same Redis: its call records are its own. */
  readonly other: Broker;
  /** A task ready to be enqueued. */
  readonly aTask: (options?: EnqueueOptions & { readonly type?: string; readonly payload?: Payload }) => NewTask;
  /** Enqueues tasks with these ids. */
  readonly seedPending: (...ids: string[]) => Promise<void>;
  /** Everything in Redis but the call records. */
  readonly keyspace: () => Promise<Record<string, KeyValue>>;
}

const portTest = redisTest.extend<{ redis: Redis }>({
  redis: async ({ redisUrl }, use) => {
    const redis = await connect(redisUrl);
    redis.on("error", () => {});
    await use(redis);
    redis.disconnect();
  },
});

export const test = portTest.extend<BrokerFixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixture's needs from the pattern
  clock: async ({}, use) => use(manualClock(startMs)),
  port: async ({ redis, redisUrl }, use) => use(faultyRedis(await makePort(ioredisPort(redis), redisUrl))),
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
  keyspace: async ({ redis }, use) => {
    const nodes = redis.isCluster ? (redis as unknown as Cluster).nodes("master") : [redis];
    const ports = nodes.map((node) => ioredisPort(node));
    await use(async () => Object.assign({}, ...(await Promise.all(ports.map((port) => readKeyspace(port))))));
    for (const port of ports) await port.close();
  },
});

/** The port that the project names, over the client or past it. */
async function makePort(tcp: RedisPort, redisUrl: string): Promise<RedisPort> {
  switch (kind) {
    case "ioredis":
    case "cluster":
    case "sentinel":
      return tcp;
    case "replaying":
      return replayingRedis(tcp);
  }
  gateway ??= startGateway({ redis: redisUrl, tokens: [token], port: 0 });
  const { url } = await gateway;
  if (kind === "fetch") return fetchRedis({ url, token });
  return upstashRedis(new UpstashRedis({ url, token }));
}

/** A client as the project's port needs it, on an empty database. */
async function connect(redisUrl: string): Promise<Redis> {
  const { port, pathname } = new URL(redisUrl);
  if (kind === "sentinel") {
    sentinel ??= startSentinel({ port: Number(port) });
    const sentinels = [{ host: "127.0.0.1", port: (await sentinel).port }];
    return new Redis({ sentinels, name: "mymaster", db: Number(pathname.slice(1)), protocol: 2 });
  }
  if (kind !== "cluster") return new Redis(redisUrl, { protocol: 2 });
  cluster ??= startCluster(3);
  const client = new Cluster([{ host: "127.0.0.1", port: (await cluster).port }], { redisOptions: { protocol: 2 } });
  await new Promise((resolve) => client.once("ready", resolve));
  const onEach = Object.assign(client as unknown as Redis, {
    keys: async (pattern: string) => (await Promise.all(client.nodes("master").map((node) => node.keys(pattern)))).flat(),
    flushdb: async () => (await Promise.all(client.nodes("master").map((node) => node.flushdb()))).at(0)!,
  });
  await onEach.flushdb();
  return onEach;
}

const kind = inject("brokerPort");
const token = "a-token-that-only-these-tests-know";

/** One of each for all tests of a file. */
let gateway: ReturnType<typeof startGateway> | undefined;
let sentinel: ReturnType<typeof startSentinel> | undefined;
let cluster: ReturnType<typeof startCluster> | undefined;
afterAll(async () => {
  await (await gateway)?.close();
  await (await sentinel)?.stop();
  await (await cluster)?.stop();
});

declare module "vitest" {
  interface ProvidedContext {
    /** Which port the broker suites run on. */
    brokerPort: "ioredis" | "cluster" | "sentinel" | "replaying" | "fetch" | "upstash";
  }
}
