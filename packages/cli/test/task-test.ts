/**
 * vitest's `test` with the program beside tasks in every state, on a clock that moves only when told to, in UTC.
 */
import { type Broker, composeTask, type DequeuedTask, type EnqueueOptions, enqueue, makeBroker, type Payload, Task } from "@asynqjs/core";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { type KeyValue, type ManualClock, manualClock, readKeyspace, seededRandom } from "@asynqjs/core/testing";
import type { TestAPI } from "vitest";
import { seedEveryState } from "../../../test/support/every-state.ts";
import type { RedisFixtures } from "../../../test/support/redis-test.ts";
import { type CliFixtures, test as cliTest, type Ran } from "./cli-test.ts";

export { expect } from "vitest";

process.env.TZ = "UTC";

/** Later than Redis' own clock, so that nothing these tests give a time to live is over already. */
const startMs = Date.UTC(2040, 0, 2, 3, 4, 5);

interface TaskFixtures {
  readonly clock: ManualClock;
  readonly broker: Broker;
  /** Runs `asynqjs task …` on that clock. */
  readonly task: (...args: readonly string[]) => Promise<Ran>;
  /** Enqueues a task of the queue `default`, its type `email:send`. */
  readonly add: (options?: EnqueueOptions & { readonly type?: string; readonly payload?: Payload }) => Promise<void>;
  /** Makes a task in every state, as `seedEveryState` says; answers the active one. */
  readonly seed: () => Promise<DequeuedTask>;
  /** Everything in Redis but the call records. */
  readonly keyspace: () => Promise<Record<string, KeyValue>>;
}

export const test: TestAPI<RedisFixtures & CliFixtures & TaskFixtures> = cliTest.extend<TaskFixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixture's needs from the pattern
  clock: async ({}, use) => use(manualClock(startMs)),
  broker: async ({ redis, clock }, use) => use(makeBroker({ redis: ioredisPort(redis), clock, random: seededRandom(1) })),
  task: ({ cliWith, clock }, use) => use((...args) => cliWith({ clock }, "task", ...args)),
  add: ({ broker }, use) =>
    use(async ({ type = "email:send", payload, ...options } = {}) => {
      await enqueue(broker, [composeTask(new Task(type, payload), options, broker)]);
    }),
  seed: ({ broker }, use) =>
    use(async () => {
      const aTask = ({ payload, ...options }: EnqueueOptions & { readonly payload?: Payload }) =>
        composeTask(new Task("email:send", payload), options, broker);
      return (await seedEveryState(broker, aTask)).active;
    }),
  keyspace: ({ redis }, use) => use(() => readKeyspace(ioredisPort(redis))),
});
