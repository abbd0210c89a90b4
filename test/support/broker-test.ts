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
import { Redis } from "@upstash/redis";
import { afterAll, inject } from "vitest";
import { test as redisTest } from "./redis-test.ts";

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

export const test = redisTest.extend<BrokerFixtures>({
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
    const port = ioredisPort(redis);
    await use(() => readKeyspace(port));
    await port.close();
  },
});

/** The port that the project names, over the client or past it. */
async function makePort(tcp: RedisPort, redisUrl: string): Promise<RedisPort> {
  const kind = inject("brokerPort");
  if (kind === "ioredis") return tcp;
  if (kind === "replaying") return replayingRedis(tcp);
  gateway ??= startGateway({ redis: redisUrl, tokens: [token], port: 0 });
  const { url } = await gateway;
  if (kind === "fetch") return fetchRedis({ url, token });
  return upstashRedis(new Redis({ url, token }));
}

const token = "a-token-that-only-these-tests-know";

/** One for all tests of a file: they share a database. */
let gateway: ReturnType<typeof startGateway> | undefined;
afterAll(async () => (await gateway)?.close());

declare module "vitest" {
  interface ProvidedContext {
    /** Which port the broker suites run on. */
    brokerPort: "ioredis" | "replaying" | "fetch" | "upstash";
  }
}
