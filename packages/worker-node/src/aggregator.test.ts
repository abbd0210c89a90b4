import { type GroupAggregator, Task } from "@asynqjs/worker-node";
import { closing, describe, expect, gate, test, until } from "../../../test/support/server-test.ts";

const join: GroupAggregator = (_, tasks) => new Task("digest", tasks.map((task) => task.text()).join("+"));

describe("aggregator", () => {
  test("hands the tasks of a group over after the grace period, and the aggregated task is worked like any", async ({
    makeServer,
    seed,
    pass,
    clock,
  }) => {
    await seed({ taskId: "a", group: "g", payload: "1" }, { taskId: "b", group: "g", payload: "2" });
    const worked: string[] = [];
    const server = makeServer({ groupAggregator: join, groupGracePeriodMs: 10_000 });
    await server.start((task) => void worked.push(`${task.type}: ${task.text()}`));

    await pass(7_000);
    expect(server.metrics().aggregated).toBe(0);
    await clock.advance(7_000);
    await until(() => server.metrics().aggregatedSets === 1);
    await until(async () => {
      await pass(1_000);
      return server.metrics().done === 1;
    });

    expect(worked).toEqual(["digest: 1+2"]);
    expect(server.metrics()).toMatchObject({ aggregated: 2, aggregateErrors: 0, done: 1 });
  });

  test("looks every grace period where that is shorter than 7 s, and aggregates a full group at once", async ({
    makeServer,
    seed,
    clock,
    pass,
  }) => {
    await seed({ group: "g" }, { group: "g" });
    const server = makeServer({ groupAggregator: join, groupGracePeriodMs: 2_000, groupMaxSize: 2, groupMaxDelayMs: 60_000 });
    await server.start(() => {});

    await pass(1_999);
    expect(server.metrics().aggregated).toBe(0);
    await clock.advance(1);
    await until(() => server.metrics().aggregated === 2);
  });

  test("without a function of yours the server aggregates nothing", async ({ makeServer, seed, pass, redis }) => {
    await seed({ group: "g" });
    const server = makeServer({ groupGracePeriodMs: 1_000 });
    await server.start(() => {});

    await pass(10_000);

    expect(await redis.zcard("asynq:{default}:g:g")).toBe(1);
  });

  test("reports a function that throws with its group, goes on with the other groups, and the tasks come back", async ({
    makeServer,
    seed,
    clock,
    redis,
    log,
    pass,
  }) => {
    await seed({ group: "bad", taskId: "a" }, { group: "good" });
    const server = makeServer({
      groupAggregator: (group, tasks, context) => {
        if (group === "bad") throw new Error("cannot add these up");
        return join(group, tasks, context);
      },
      groupGracePeriodMs: 5_000,
      recoverIntervalMs: 60_000,
    });
    await server.start(() => {});

    await clock.advance(5_000);
    await until(() => server.metrics().aggregatedSets === 1 && server.metrics().aggregateErrors === 1);
    expect(log).toContain(
      'error aggregation failed; what was not aggregated goes back to its group {"queue":"default","group":"bad","error":"cannot add these up"}',
    );

    await pass(175_000);
    await until(() => server.metrics().reclaimed > 0);
    expect(await redis.hget("asynq:{default}:t:a", "state")).toBe("aggregating");
  });

  test("leaves a look out while three go on, says so, and takes the next when one is done", async ({
    makeServer,
    seed,
    clock,
    log,
    pass,
  }) => {
    const slow = gate();
    const server = makeServer({
      groupAggregator: async (group, tasks, context) => {
        await slow.opened;
        return join(group, tasks, context);
      },
      groupGracePeriodMs: 1_000,
    });
    await server.start(() => {});
    let running = 0;
    for (const group of ["a", "b", "c"]) {
      await seed({ group });
      await clock.advance(1_000);
      await pass(1);
      running++;
    }
    await seed({ group: "d" });

    await pass(2_000);
    expect(server.metrics()).toMatchObject({ checksSkipped: expect.any(Number), aggregatedSets: 0 });
    expect(server.metrics().checksSkipped).toBeGreaterThan(0);
    expect(log.join("\n")).toContain("aggregator is busy: a look at the groups is left out");

    slow.open();
    await until(async () => {
      await pass(1_000);
      return server.metrics().aggregatedSets === running + 1;
    });
  });

  test("at the shutdown what runs is told and may end in time; what does not leaves its tasks to the next", async ({
    makeServer,
    seed,
    clock,
    redis,
    log,
  }) => {
    await seed({ group: "ends" }, { group: "hangs", taskId: "a" });
    let [called, told] = [0, 0];
    const finish = gate();
    const server = makeServer({
      groupAggregator: async (group, tasks, { signal, ...context }) => {
        called++;
        signal.addEventListener("abort", () => told++);
        if (group === "hangs") return new Promise(() => {});
        await finish.opened;
        return join(group, tasks, { signal, ...context });
      },
      groupGracePeriodMs: 1_000,
      abortGraceMs: 5_000,
    });
    await server.start(() => {});
    await clock.advance(1_000);
    await until(() => called === 2);

    void server.shutdown();
    finish.open();
    await until(async () => (await redis.llen("asynq:{default}:pending")) === 1);
    await closing(server, clock);

    expect(server.metrics()).toMatchObject({ aggregatedSets: 1, aggregateErrors: 1 });
    expect(told).toBe(1);
    expect(log.join("\n")).toContain('goes back to its group {"queue":"default","group":"hangs","error":"asynq: Server closed"}');
    expect(await redis.hget("asynq:{default}:t:a", "state")).toBe("aggregating");
    expect(await redis.zcard("asynq:{default}:aggregation_sets")).toBe(1);
  });
});
