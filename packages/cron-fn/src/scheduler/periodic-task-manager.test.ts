import { Task } from "@asynqjs/core";
import { knowScripts } from "../../../../test/support/known-scripts.ts";
import { describe, expect, test as serverTest } from "../../../../test/support/server-test.ts";
import { type PeriodicTaskConfig, PeriodicTaskManager, type PeriodicTaskManagerOptions } from "./periodic-task-manager.ts";

const daily = (type: string): PeriodicTaskConfig => ({ cronspec: "* * * * *", task: new Task(type), options: { entryId: type } });

knowScripts();

const test = serverTest.extend<{
  /** A manager of the configs that stand in the list when it asks. */
  readonly makeManager: (
    configs: readonly PeriodicTaskConfig[] | (() => never),
    options?: Partial<PeriodicTaskManagerOptions>,
  ) => PeriodicTaskManager;
  /** The types of what was enqueued, since last asked. */
  readonly enqueued: () => Promise<string[]>;
}>({
  makeManager: async ({ port, clock, log }, use) => {
    const made: PeriodicTaskManager[] = [];
    const line =
      (level: string) =>
      (message: string, details?: object): void =>
        void log.push(`${level} ${message} ${JSON.stringify(details ?? {})}`);
    const logger = { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
    await use((configs, options = {}) => {
      const getConfigs = () => (typeof configs === "function" ? configs() : configs);
      const manager = new PeriodicTaskManager(port, { periodicTaskConfigProvider: { getConfigs }, clock, logger, ...options });
      made.push(manager);
      return manager;
    });
    for (const manager of made) await manager.shutdown();
  },
  enqueued: async ({ redis }, use) =>
    use(async () => {
      const ids = await redis.lrange("asynq:{default}:pending", 0, -1);
      await redis.del("asynq:{default}:pending");
      return ids.map((id) => id.split(":")[0]!).sort();
    }),
});

describe("a periodic task manager", () => {
  test("registers what its provider says, and follows it at each sync", async ({ makeManager, enqueued, pass }) => {
    const configs = [daily("a"), daily("b")];
    const manager = makeManager(configs);
    await manager.start();
    await pass(60_000);
    expect(await enqueued()).toEqual(["a", "b"]);

    configs.splice(0, 1, daily("c"));
    await pass(60_000);
    expect(await enqueued()).toEqual(["a", "b"]);
    // Past the sync at three minutes.
    await pass(61_000);
    await enqueued();

    await pass(60_000);
    expect(await enqueued()).toEqual(["b", "c"]);
  });

  test("follows what is said anew of an entry whose id stays", async ({ makeManager, enqueued, pass }) => {
    const configs = [daily("a"), daily("b")];
    await makeManager(configs, { syncIntervalMs: 30_000 }).start();
    await pass(60_000);
    expect(await enqueued()).toEqual(["a", "b"]);

    configs[0] = { ...daily("a"), cronspec: "0 0 1 1 *" };
    configs[1] = { ...daily("b"), options: { entryId: "b", queue: "low" } };
    await pass(45_000);
    await enqueued();
    await pass(2 * 60_000);

    expect(await enqueued()).toEqual([]);
  });

  test("has one entry for the same said twice", async ({ makeManager, enqueued, pass }) => {
    await makeManager([daily("a"), daily("a")]).start();

    await pass(60_000);

    expect(await enqueued()).toEqual(["a"]);
  });

  test("keeps what it has where a later sync fails, or says what is no config", async ({ makeManager, enqueued, pass, log }) => {
    const configs: PeriodicTaskConfig[] = [daily("a")];
    await makeManager(configs, { syncIntervalMs: 60_000 }).start();
    configs[0] = { cronspec: "", task: new Task("b") };

    await pass(2 * 60_000);

    expect(await enqueued()).toEqual(["a", "a"]);
    expect(log.filter((line) => line.startsWith("error"))).toEqual([
      'error Failed to sync periodic tasks {"error":"call to GetConfigs contained an invalid config: invalid cronspec: expected a cron spec"}',
      'error Failed to sync periodic tasks {"error":"call to GetConfigs contained an invalid config: invalid cronspec: expected a cron spec"}',
    ]);
  });

  test("tries a spec that cannot be read again at each sync, and has the others", async ({ makeManager, enqueued, pass, log }) => {
    const configs: PeriodicTaskConfig[] = [daily("a"), { ...daily("b"), cronspec: "nonsense" }];
    await makeManager(configs, { syncIntervalMs: 30_000 }).start();
    await pass(1_000);
    expect(log.filter((line) => line.startsWith("error"))).toEqual([expect.stringContaining("Failed to register periodic task")]);

    configs[1] = daily("b");
    await pass(60_000);

    expect(await enqueued()).toEqual(["a", "b"]);
  });

  test("is not started where the provider fails or says what is no config, and may be started again", async ({
    makeManager,
    enqueued,
    pass,
  }) => {
    const manager = makeManager(() => {
      throw new Error("no file");
    });
    await expect(manager.start()).rejects.toThrow("asynq: initial call to GetConfigs failed: no file");

    const configs: PeriodicTaskConfig[] = [{ ...daily("a"), task: undefined as never }];
    const other = makeManager(configs);
    await expect(other.start()).rejects.toThrow(
      "asynq: initial call to GetConfigs contained an invalid config: invalid task: expected a Task",
    );
    configs[0] = daily("a");
    await other.start();
    await expect(other.start()).rejects.toThrow("already running");
    await pass(60_000);
    expect(await enqueued()).toEqual(["a"]);
  });

  test("asks nobody any more once it is shut down", async ({ makeManager, clock, pass }) => {
    let asked = 0;
    const getConfigs = (): readonly PeriodicTaskConfig[] => {
      asked++;
      return [];
    };
    const manager = makeManager([], { periodicTaskConfigProvider: { getConfigs } });
    await manager.start();
    await pass(180_000);
    expect(asked).toBe(2);

    await manager.shutdown();
    await manager.shutdown();
    await pass(600_000);

    expect(asked).toBe(2);
    expect(clock.waiting).toBe(0);
    await expect(manager.start()).rejects.toThrow("asynq: the periodic task manager is stopped");
  });

  test("refuses options that cannot be used", () => {
    expect(() => new PeriodicTaskManager("redis://127.0.0.1:1", {} as PeriodicTaskManagerOptions)).toThrow("periodicTaskConfigProvider");
    const provider = { getConfigs: () => [] };
    expect(() => new PeriodicTaskManager("redis://127.0.0.1:1", { periodicTaskConfigProvider: provider, syncIntervalMs: -1 })).toThrow(
      "syncIntervalMs",
    );
  });
});
