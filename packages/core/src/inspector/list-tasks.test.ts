import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { seedEveryState } from "../../../../test/support/every-state.ts";
import { dequeue } from "../broker/dequeue.ts";
import { enqueue } from "../broker/enqueue.ts";
import { writeResult } from "../broker/write-result.ts";
import { listTasks, type TaskPlace } from "./list-tasks.ts";
import type { StoredState } from "./stored-task.ts";

const ids = ({ tasks }: { readonly tasks: readonly { readonly id: string }[] }): string[] => tasks.map(({ id }) => id);

describe("listTasks", () => {
  test("shows of each state the tasks that stand there, and no other", async ({ broker, aTask }) => {
    await seedEveryState(broker, aTask);
    const of = async (state: StoredState, group?: string): Promise<string[]> => {
      const page = await listTasks(broker, "default", { state, group });
      expect(page.unreadable).toEqual([]);
      expect(page.tasks.map((task) => task.state)).toEqual(page.tasks.map(() => state));
      return ids(page);
    };

    expect(await of("pending")).toEqual(["pending"]);
    expect(await of("active")).toEqual(["active"]);
    expect(await of("scheduled")).toEqual(["grouped-later", "scheduled"]);
    expect(await of("retry")).toEqual(["recovered", "retry"]);
    expect(await of("archived")).toEqual(["archived"]);
    expect(await of("completed")).toEqual(["completed"]);
    expect(await of("aggregating", "g")).toEqual(["aggregating"]);
    expect(await of("js:quarantine")).toEqual(["quarantined"]);
    expect(await listTasks(broker, "none", { state: "retry" })).toEqual({ tasks: [], unreadable: [] });
  });

  test("tells of a task all that its message and its place say", async ({ broker, aTask }) => {
    await seedEveryState(broker, aTask);

    const { tasks } = await listTasks(broker, "default", { state: "retry" });

    expect(tasks.find(({ id }) => id === "retry")).toEqual({
      id: "retry",
      queue: "default",
      type: "email:send",
      payload: new TextEncoder().encode("retry"),
      headers: {},
      state: "retry",
      maxRetry: 25,
      retried: 1,
      timeoutSec: 1800,
      deadline: undefined,
      group: undefined,
      retentionSec: 0,
      nextProcessAt: new Date((startSec + 60) * 1000),
      lastErr: "failed",
      lastFailedAt: new Date(startSec * 1000),
      completedAt: undefined,
      result: undefined,
      isOrphaned: false,
    });
  });

  test("goes page by page, of a list from its right end, where the next to run is", async ({ broker, seedPending, aTask }) => {
    const page = async (place: TaskPlace, nth: number): Promise<string[]> =>
      ids(await listTasks(broker, "default", place, { page: nth, pageSize: 2 }));
    await seedPending("a", "b", "c");
    await enqueue(
      broker,
      ["z", "y", "x"].map((taskId, i) => aTask({ taskId, processInSec: 10 + i })),
    );

    expect(await page({ state: "pending" }, 1)).toEqual(["a", "b"]);
    expect(await page({ state: "pending" }, 2)).toEqual(["c"]);
    expect(await page({ state: "scheduled" }, 1)).toEqual(["z", "y"]);
    expect(await page({ state: "scheduled" }, 2)).toEqual(["x"]);
    expect(await page({ state: "scheduled" }, 3)).toEqual([]);
  });

  test("fills a page of large tasks in several looks of about 1 MiB", async ({ broker, aTask, port }) => {
    const tasks = Array.from({ length: 6 }, (_, i) => aTask({ taskId: `t${i}`, payload: "x".repeat(400_000) }));
    for (const task of tasks) await enqueue(broker, [task]);
    await listTasks(broker, "default", { state: "pending" });
    const before = port.sent.length;

    const page = await listTasks(broker, "default", { state: "pending" }, { pageSize: 5 });

    expect(ids(page)).toEqual(["t0", "t1", "t2", "t3", "t4"]);
    expect(port.sent.length - before).toBe(2);
  });

  test("shows what a run has written so far, and calls a task orphaned whose lease has ended or is missing", async ({
    broker,
    redis,
    clock,
    seedPending,
  }) => {
    await seedPending("a", "b");
    const [first] = (await dequeue(broker, ["default"], 1)).tasks;
    await writeResult(broker, first!, new Uint8Array([0, 255]));
    await clock.advance(10_000);
    await dequeue(broker, ["default"], 1);
    const active = async () =>
      (await listTasks(broker, "default", { state: "active" })).tasks.map(({ id, isOrphaned, result }) => [id, isOrphaned, result]);

    expect(await active()).toEqual([
      ["a", false, new Uint8Array([0, 255])],
      ["b", false, undefined],
    ]);
    await clock.advance(20_000);
    expect((await active()).map(([, isOrphaned]) => isOrphaned)).toEqual([true, false]);
    await redis.zrem("asynq:{default}:lease", "b");
    expect((await active()).map(([, isOrphaned]) => isOrphaned)).toEqual([true, true]);
  });

  test("says of what cannot be read why, and shows its neighbours", async ({ broker, redis, seedPending }) => {
    await seedPending("a", "gone", "torn", "text", "b");
    await redis.del("asynq:{default}:t:gone", "asynq:{default}:t:text");
    await redis.hset("asynq:{default}:t:torn", "msg", "\u0007no message");
    await redis.set("asynq:{default}:t:text", "no hash");

    const { tasks, unreadable } = await listTasks(broker, "default", { state: "pending" });

    expect(tasks.map(({ id }) => id)).toEqual(["a", "b"]);
    expect(unreadable).toEqual([
      { id: "gone", why: expect.stringContaining("it is gone") },
      { id: "torn", why: expect.stringContaining("cannot decode the message of task") },
      { id: "text", why: expect.stringContaining("it is gone") },
    ]);
  });

  test("refuses a page that is none, and a group that is not named, before any I/O", async ({ broker, port }) => {
    const before = port.sent.length;
    for (const options of [{ page: 0 }, { page: 1.5 }, { pageSize: 0 }, { pageSize: 1_001 }])
      await expect(listTasks(broker, "default", { state: "pending" }, options)).rejects.toMatchObject({ code: "INVALID_OPTION" });
    await expect(listTasks(broker, "default", { state: "aggregating" })).rejects.toMatchObject({ option: "group" });
    expect(port.sent.length).toBe(before);
  });
});
