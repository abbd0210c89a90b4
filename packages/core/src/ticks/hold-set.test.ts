import { describe } from "vitest";
import { expect, join, startSec, test } from "../../../../test/support/aggregation-test.ts";
import { Task } from "../task.ts";
import { aggregate } from "./aggregate.ts";
import type { GroupAggregator } from "./aggregate-set.ts";
import { recover } from "./recover.ts";

const queues = ["default"];

describe("holdSet", () => {
  test("keeps a set while its aggregator takes long, so that no recoverer gives it back", async ({
    broker,
    other,
    seedGroup,
    clock,
    pending,
    redis,
    until,
  }) => {
    await seedGroup("g", "1");
    let finish = (): void => {};
    const tick = aggregate(broker, {
      queues,
      aggregator: async (group, tasks, context) => {
        await new Promise<void>((resolve) => (finish = resolve));
        return join(group, tasks, context);
      },
    });
    await until(() => clock.waiting === 2);

    for (let second = 0; second < 400; second += 40) {
      const [deadline] = (await redis.zrange("asynq:{default}:aggregation_sets", "0", "0", "WITHSCORES")).slice(1);
      await clock.advance(40_000);
      await until(async () => (await redis.zrange("asynq:{default}:aggregation_sets", "0", "0", "WITHSCORES"))[1] !== deadline);
      await until(() => clock.waiting === 2);
      expect(await recover(other, { queues })).toMatchObject({ reclaimed: 0 });
    }
    finish();

    expect(await tick).toMatchObject({ sets: 1, lost: 0 });
    expect(await pending()).toEqual([{ group: "g", of: ["1"] }]);
    expect(clock.waiting).toBe(0);
  });

  test("a set that a recoverer took meanwhile is told, and its answer enqueued by none but the next", async ({
    broker,
    other,
    seedGroup,
    clock,
    pending,
    redis,
    until,
  }) => {
    await seedGroup("g", "1");
    let told: unknown;
    const tick = aggregate(broker, {
      queues,
      aggregator: (_, __, { signal }) =>
        new Promise((resolve) =>
          signal.addEventListener("abort", () => {
            told = signal.reason;
            resolve(new Task("late"));
          }),
        ),
    });
    await until(() => clock.waiting === 2);
    // As when this process was frozen past the deadline.
    const [set] = await redis.zrange("asynq:{default}:aggregation_sets", "0", "0");
    await redis.zadd("asynq:{default}:aggregation_sets", startSec, set!);
    expect(await recover(other, { queues })).toMatchObject({ reclaimed: 1 });

    await clock.advance(40_000);

    expect(await tick).toMatchObject({ sets: 0, lost: 1, errors: [{ group: "g", error: { code: "SET_LOST" } }] });
    expect(told).toMatchObject({ code: "SET_LOST" });
    expect(await pending()).toEqual([]);
    expect(await aggregate(other, { queues, aggregator: join })).toMatchObject({ sets: 1 });
    expect(await pending()).toEqual([{ group: "g", of: ["1"] }]);
  });

  test("gives a set up whose aggregator does not end in time, or when it is told to", async ({ broker, seedGroup, clock, until }) => {
    await seedGroup("g", "1");
    await seedGroup("h", "1");
    const giveUp = new AbortController();
    const never: GroupAggregator = () => new Promise(() => {});

    const slow = aggregate(broker, { queues, aggregator: never, timeoutSec: 30, concurrency: 2 });
    await until(() => clock.waiting === 4);
    await clock.advance(30_000);
    expect((await slow).errors.map(({ error }) => (error as { code?: string }).code)).toEqual(["DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED"]);

    await clock.advance(120_000);
    await recover(broker, { queues });
    const told = aggregate(broker, { queues, aggregator: never, giveUpSignal: giveUp.signal });
    await until(() => clock.waiting === 4);
    giveUp.abort(new Error("enough"));
    expect((await told).errors.map(({ error }) => error.message)).toEqual(["enough", "enough"]);
    expect(clock.waiting).toBe(0);
  });
});
