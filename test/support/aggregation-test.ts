/** The aggregation suites' `test`: the broker's, with groups that are due and a look at what was made of them. */
import { type AggregationSet, aggregationCheck, enqueue, type GroupAggregator, Task } from "@asynqjs/core";
import { decodeTaskMessage } from "@asynqjs/core/wire";
import { test as brokerTest } from "./broker-test.ts";

export { expect, startNs, startSec } from "./broker-test.ts";

interface AggregationFixtures {
  /** Makes a set of all tasks that wait in `g`. */
  readonly makeSet: () => Promise<AggregationSet>;
  /** Enqueues tasks with these payloads, one after the other, and lets the grace period pass. */
  readonly seedGroup: (group: string, ...payloads: string[]) => Promise<void>;
  /** The payloads of the tasks in `pending`, next first. */
  readonly pending: (queue?: string) => Promise<unknown[]>;
  /** Resolves when it holds: what a tick does between its timers is real I/O. */
  readonly until: (holds: () => boolean | Promise<boolean>) => Promise<void>;
}

export const test = brokerTest.extend<AggregationFixtures>({
  makeSet: async ({ broker, redis }, use) =>
    use(async () => {
      const size = await redis.zcard("asynq:{default}:g:g");
      const [checked] = await aggregationCheck(broker, "default", ["g"], { gracePeriodSec: 60, maxDelaySec: 0, maxSize: size });
      return checked!.set!;
    }),
  seedGroup: async ({ broker, aTask, clock }, use) =>
    use(async (group, ...payloads) => {
      for (const payload of payloads) {
        await enqueue(broker, [aTask({ taskId: `${group}-${payload}`, group, payload })]);
        await clock.advance(1_000);
      }
      await clock.advance(60_000);
    }),
  pending: async ({ redis }, use) =>
    use(async (queue = "default") => {
      const ids = await redis.lrange(`asynq:{${queue}}:pending`, 0, -1);
      const messages = await Promise.all(ids.reverse().map((id) => redis.hgetBuffer(`asynq:{${queue}}:t:${id}`, "msg")));
      return messages.map((msg) => JSON.parse(new TextDecoder().decode(decodeTaskMessage(msg!, "").payload)));
    }),
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixture's needs from the pattern
  until: async ({}, use) =>
    use(async (holds) => {
      while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
    }),
});

/** The registry of the default queue's sets. */
export const sets = "asynq:{default}:aggregation_sets";

/** The key of a set of the default queue. */
export function keyOf({ group, setId }: AggregationSet): string {
  return `asynq:{default}:g:${group}:${setId}`;
}

/** An aggregator whose task says in its payload what it is made of. */
export const join: GroupAggregator = (group, tasks) => new Task("digest", { group, of: tasks.map((task) => task.text()) });
