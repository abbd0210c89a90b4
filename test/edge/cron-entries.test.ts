import path from "node:path";
import type { Miniflare } from "miniflare";
import { beforeAll, describe } from "vitest";
import { buildWorker } from "../support/build-worker.ts";
import { expect, test as gatewayTest, token } from "../support/gateway-test.ts";
import { runWorker } from "../support/run-worker.ts";

const compatibilityDate = "2026-10-01";

let module = "";
beforeAll(async () => {
  module = await buildWorker(path.join(import.meta.dirname, "cron-entries-worker.ts"), compatibilityDate);
}, 60_000);

interface Scheduled {
  scheduled(options: object): Promise<{ readonly outcome: string }>;
}

const test = gatewayTest.extend<{
  readonly worker: Miniflare;
  /** Asks the Worker, and answers what it answers. */
  readonly call: (method: string, path: string, body?: unknown) => Promise<unknown>;
}>({
  worker: async ({ faults }, use) => {
    const worker = runWorker(module, compatibilityDate, { REDIS_URL: faults.url, REDIS_TOKEN: token });
    await use(worker);
    await worker.dispose();
  },
  call: async ({ worker }, use) =>
    use(async (method, where, body) => {
      const sent = body === undefined ? {} : { body: JSON.stringify(body) };
      const response = await worker.dispatchFetch(`http://worker${where}`, { method, ...sent });
      return response.status === 204 ? undefined : response.json();
    }),
});

const hourly = { id: "report", spec: "0 * * * *", type: "report:make", payload: { n: 1 }, queue: "low", options: { maxRetry: 2 } };

describe("cron entries, in workerd", () => {
  test("are added, changed, paused, run, resumed and removed over HTTP", async ({ call, redis }) => {
    const pending = (queue: string): Promise<string[]> => redis.lrange(`asynq:{${queue}}:pending`, 0, -1);

    expect(await call("POST", "/entries", hourly)).toMatchObject({ id: "report", catchUp: "one", paused: false });
    expect(await call("POST", "/entries", hourly)).toMatchObject({ code: "CRON_ENTRY_EXISTS" });
    expect(await call("POST", "/entries", { ...hourly, id: "bad", spec: "61 * * * *" })).toMatchObject({ code: "CRON_SPEC" });
    expect(await call("PATCH", "/entries/report", { queue: "high", timeZone: "Asia/Kathmandu" })).toMatchObject({ queue: "high" });
    expect(await call("POST", "/entries/report/pause")).toMatchObject({ paused: true });
    expect(await call("POST", "/entries/report/run")).toMatch(/^report:now:/);
    expect(await call("POST", "/entries/report/resume")).toMatchObject({ paused: false });
    expect([await pending("low"), await pending("high")]).toEqual([[], [expect.stringMatching(/^report:now:/)]]);
    expect(await call("DELETE", "/entries/report")).toBeUndefined();
    expect(await call("DELETE", "/entries/report")).toMatchObject({ code: "CRON_ENTRY_NOT_FOUND" });
    expect(await call("GET", "/entries")).toEqual([]);
  });

  test("are what a deploy says, and the same deploy once more changes nothing", async ({ call }) => {
    const daily = { ...hourly, id: "digest", spec: "@daily" };
    await call("POST", "/entries", { ...hourly, id: "by hand" });

    expect(await call("PUT", "/entries", [hourly, daily])).toMatchObject({ added: ["report", "digest"], removed: [] });
    expect(await call("PUT", "/entries", [hourly, daily])).toMatchObject({
      added: [],
      edited: [],
      removed: [],
      unchanged: ["report", "digest"],
    });
    expect(await call("PUT", "/entries", [{ ...hourly, spec: "@daily" }])).toMatchObject({ edited: ["report"], removed: ["digest"] });
    const left = (await call("GET", "/entries")) as { id: string }[];
    expect(left.map(({ id }) => id).sort()).toEqual(["by hand", "report"]);
  });

  test("are fired by the cron trigger, each slot once though it rings four times at once", async ({ worker, call, redis }) => {
    await call("POST", "/entries", { ...hourly, spec: "* * * * * *" });
    const nowSec = Number((await redis.time())[0]);
    // As if nobody had been there for ten seconds.
    await redis.hset("asynq:{low}:js:cron:report", "slot", String(nowSec - 10));
    await redis.hset(
      "asynq:js:cron",
      "report",
      (await redis.hget("asynq:js:cron", "report"))!.replace(/"sinceSec":\d+/, `"sinceSec":${nowSec - 10}`),
    );

    const trigger = (await worker.getWorker()) as unknown as Scheduled;
    const rung = await Promise.all([1, 2, 3, 4].map(() => trigger.scheduled({ cron: "* * * * *" })));

    expect(rung.map(({ outcome }) => outcome)).toEqual(["ok", "ok", "ok", "ok"]);
    const slots = (await redis.lrange("asynq:{low}:pending", 0, -1)).map((id) => Number(id.split(":")[1])).reverse();
    expect(slots.length).toBeGreaterThanOrEqual(10);
    expect(slots).toEqual(slots.map((_, i) => nowSec - 9 + i));
  });
});
