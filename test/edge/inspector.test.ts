import path from "node:path";
import { Task } from "@asynqjs/client-edge";
import type { Examination } from "@asynqjs/core/doctor";
import type { Miniflare } from "miniflare";
import { beforeAll, describe } from "vitest";
import { ourBroker } from "../interop/our-broker.ts";
import { buildWorker } from "../support/build-worker.ts";
import { expect, test as gatewayTest, token } from "../support/gateway-test.ts";
import { runWorker } from "../support/run-worker.ts";

const compatibilityDate = "2026-10-01";

let module = "";
beforeAll(async () => {
  module = await buildWorker(path.join(import.meta.dirname, "inspector-worker.ts"), compatibilityDate);
}, 60_000);

const test = gatewayTest.extend<{
  readonly worker: Miniflare;
  /** Calls a method of the Worker's inspector, and answers what it answers. */
  readonly call: (method: string, ...args: readonly unknown[]) => Promise<unknown>;
}>({
  worker: async ({ faults }, use) => {
    const worker = runWorker(module, compatibilityDate, { REDIS_URL: faults.url, REDIS_TOKEN: token });
    await use(worker);
    await worker.dispose();
  },
  call: async ({ worker }, use) =>
    use(async (method, ...args) => {
      const response = await worker.dispatchFetch(`http://worker/${method}`, { method: "POST", body: JSON.stringify(args) });
      const said = (await response.json()) as { readonly answer?: unknown; readonly code?: string };
      return "answer" in said ? said.answer : said.code;
    }),
});

describe("an inspector, in workerd", () => {
  test("shows, moves and changes tasks over HTTP, and removes a queue", async ({ call, redis }) => {
    const ours = ourBroker(redis);
    for (const taskId of ["a", "b", "c"])
      await ours.enqueue(new Task("email:send", { to: taskId, bytes: "\u00ff" }), { taskId, processInSec: 60, uniqueTtlSec: 3600 });

    expect(await call("queues")).toEqual(["default"]);
    expect(await call("getQueueInfo", "default")).toMatchObject({ scheduled: 3, size: 3 });
    expect(await call("listScheduledTasks", "default", { pageSize: 2, page: 2 })).toMatchObject({
      tasks: [{ id: "c", state: "scheduled" }],
    });
    expect(await call("updateTaskPayload", "default", "a", { to: "another \u00ff" })).toBeNull();
    expect(await call("searchTasks", "default", { payload: { field: "to", equals: "another \u00ff" } })).toMatchObject({
      tasks: [{ id: "a" }],
      incomplete: false,
    });
    expect(await call("runTask", "default", "a")).toBeNull();
    expect(await call("runTask", "default", "a")).toBe("TASK_STATE");
    expect(await call("archiveTask", "default", "b")).toBeNull();
    expect(await call("deleteTask", "default", "none")).toBe("TASK_NOT_FOUND");
    expect(await call("deleteTask", "none", "none")).toBe("QUEUE_NOT_FOUND");
    expect(await call("runAllArchivedTasks", "default")).toMatchObject({ done: 1 });
    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["b", "a"]);
    expect(await call("servers")).toEqual([]);
    expect(await call("deleteQueue", "default")).toBe("QUEUE_NOT_EMPTY");
    expect(await call("deleteQueue", "default", { force: true })).toMatchObject({ deleted: 3, more: false });
    expect((await redis.keys("asynq:*")).filter((key) => !key.includes(":js:call:"))).toEqual([]);
  });

  test("and a doctor says why nothing runs, and what the gateway does not let it ask", async ({ call, redis }) => {
    await ourBroker(redis).enqueue(new Task("email:send"), { taskId: "a" });
    await redis.hset("asynq:{default}:t:a", "pending_since", "1700000000000000000");

    const { diagnoses, looked } = (await call("examine", { ignore: ["redis-unpatched", "no-persistence"] })) as Examination;

    expect(looked).toMatchObject({ queues: 1, invariants: true });
    expect(diagnoses.map(({ code, what }) => `${code}: ${what}`)).toEqual([
      "no-server: nothing runs: no server beats",
      "not-known: not known: when Redis writes to its disk",
      "not-known: not known: what the users of the parts may do",
      "not-known: not known: what Redis refused lately",
    ]);
  });
});
