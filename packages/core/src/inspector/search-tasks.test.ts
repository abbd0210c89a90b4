import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { everyId, seedEveryState } from "../../../../test/support/every-state.ts";
import { enqueue } from "../broker/enqueue.ts";
import { type ScanCursor, scanStart, scanTasks } from "./scan-tasks.ts";
import { searchTasks } from "./search-tasks.ts";
import type { RawTask } from "./stored-task.ts";

const ids = ({ tasks }: { readonly tasks: readonly { readonly id: string }[] }): string[] => tasks.map(({ id }) => id);

describe("searchTasks", () => {
  test("finds tasks in every state by a part of their id, their type, their error, a field of the payload, or a function", async ({
    broker,
    aTask,
  }) => {
    await seedEveryState(broker, aTask);
    await enqueue(broker, [
      aTask({ taskId: "json", type: "email:welcome", payload: { user: { id: 7 }, items: [{ sku: "x" }] }, group: "h" }),
      aTask({ taskId: "text", type: "sms", payload: "user", processInSec: 9 }),
    ]);
    const found = async (filter: Parameters<typeof searchTasks>[2]): Promise<string[]> => {
      const result = await searchTasks(broker, "default", filter);
      expect(result.incomplete).toBe(false);
      return ids(result).sort();
    };

    expect(await found({})).toEqual([...everyId.filter((id) => !id.endsWith("in-a-set") && id !== "in-a-set"), "json", "text"].sort());
    expect(await found({ id: "ar" })).toEqual(["archived", "quarantined"]);
    expect(await found({ id: "in-a-set" })).toEqual(["in-a-set"]);
    expect(await found({ id: "in-a-set", type: "sms" })).toEqual([]);
    expect(await found({ type: "email:welcome" })).toEqual(["json"]);
    expect(await found({ type: "email:*", states: ["aggregating"] })).toEqual(["aggregating", "json"]);
    expect(await found({ type: "email:*", states: ["aggregating"], group: "h" })).toEqual(["json"]);
    expect(await found({ error: "FAIL" })).toEqual(["archived", "completed", "retry"]);
    expect(await found({ payload: { field: "user.id", equals: 7 } })).toEqual(["json"]);
    expect(await found({ payload: { field: "items.0", equals: { sku: "x" } } })).toEqual(["json"]);
    expect(await found({ payload: { field: "user.name", equals: 7 } })).toEqual([]);
    expect(await found({ payload: { field: "user.id.constructor", equals: 7 } })).toEqual([]);
    expect(await found({ where: ({ group, state }) => group === "g" && state === "scheduled" })).toEqual(["grouped-later"]);
  });

  test("costs no more than it may, and says when it did not look everywhere", async ({ broker, aTask, port }) => {
    await enqueue(
      broker,
      Array.from({ length: 600 }, (_, i) => aTask({ taskId: `t${i}`, processInSec: 60 + i, payload: "x".repeat(100) })),
    );
    const looks = async (options: Parameters<typeof searchTasks>[3]) => {
      const before = port.sent.length;
      const { tasks, looked, incomplete } = await searchTasks(broker, "default", { id: "9", states: ["scheduled"] }, options);
      return { found: tasks.length, looked, incomplete, calls: port.sent.length - before };
    };
    await looks({});

    expect(await looks({ limit: 200 })).toEqual({ found: 114, looked: 600, incomplete: false, calls: 4 });
    expect(await looks({ maxLooked: 250 })).toEqual({ found: 43, looked: 250, incomplete: true, calls: 2 });
    expect(await looks({ maxBytes: 1 })).toEqual({ found: 43, looked: 250, incomplete: true, calls: 2 });
    expect(await looks({ limit: 10 })).toEqual({ found: 10, looked: 250, incomplete: true, calls: 2 });
    await expect(looks({ limit: 0 })).rejects.toMatchObject({ option: "limit" });
  });

  test("counts what it cannot read, and refuses a filter that is none before any I/O", async ({ broker, redis, seedPending, port }) => {
    await seedPending("a", "torn");
    await redis.hset("asynq:{default}:t:torn", "msg", "\u0007no message");
    expect(await searchTasks(broker, "default", { type: "email:send" })).toMatchObject({ looked: 2, unreadable: 1, tasks: [{ id: "a" }] });
    const before = port.sent.length;
    for (const filter of [{ id: "" }, { type: 7 as unknown as string }, { payload: {} as never }])
      await expect(searchTasks(broker, "default", filter)).rejects.toMatchObject({ code: "INVALID_OPTION" });
    expect(port.sent.length).toBe(before);
  });
});

describe("scanTasks", () => {
  test("meets once what stays, though what was met last goes, and others come and go before it", async ({ broker, redis }) => {
    const names = Array.from({ length: 700 }, (_, i) => `t${String(i).padStart(3, "0")}`);
    // All of one second, so that their ids alone order them.
    await redis.zadd("asynq:{default}:scheduled", ...names.flatMap((name) => [startSec, name]));
    const met: RawTask[] = [];
    let cursor: ScanCursor | undefined = scanStart;
    for (let looks = 0; cursor !== undefined; looks++) {
      const page: Awaited<ReturnType<typeof scanTasks>> = await scanTasks(broker, "default", { state: "scheduled" }, cursor);
      met.push(...page.found);
      cursor = page.next;
      await redis.zrem("asynq:{default}:scheduled", page.found.at(-1)!.id, ...names.slice(0, 50 * (looks + 1)));
      await redis.zadd("asynq:{default}:scheduled", startSec - 1, `before${looks}`, startSec, `t2\u00ff${looks}`);
    }

    const seen = met.map(({ id }) => id);
    expect(seen.filter((id) => names.includes(id))).toEqual(names);
    expect(seen.length).toBe(names.length + 1);
  });
});
