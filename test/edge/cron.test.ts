import path from "node:path";
import type { Redis } from "ioredis";
import type { Miniflare } from "miniflare";
import { beforeAll, describe, test } from "vitest";
import { buildWorker } from "../support/build-worker.ts";
import { expect, test as gatewayTest, token } from "../support/gateway-test.ts";
import { useOwnRedis } from "../support/redis-test.ts";
import { runWorker } from "../support/run-worker.ts";

const compatibilityDate = "2026-10-01";
const secret = "a-secret-of-the-platform";

/** Where the cron trigger of a Worker called, and how that went. */
interface Trigger {
  readonly ring: () => Promise<{ readonly outcome: string }>;
  /** What the Worker logged. */
  readonly logs: string[];
  readonly worker: Miniflare;
}

// Redis is to forget every script.
useOwnRedis();

let module = "";
beforeAll(async () => {
  module = await buildWorker(path.join(import.meta.dirname, "cron-worker.ts"), compatibilityDate);
}, 60_000);

const cronTest = gatewayTest.extend<{ trigger: Trigger }>({
  trigger: async ({ faults }, use) => {
    const logs: string[] = [];
    const texts = { REDIS_URL: faults.url, REDIS_TOKEN: token, CRON_SECRET: secret };
    const worker = runWorker(module, compatibilityDate, texts, { objects: { TICKS: "Ticks" }, onLog: (line) => logs.push(line) });
    const service = (await worker.getWorker()) as unknown as { scheduled: (options: object) => Promise<{ readonly outcome: string }> };
    await use({ ring: () => service.scheduled({ cron: "* * * * *" }), logs, worker });
    await worker.dispose();
  },
});

/** Something for forward and janitor to do in so many queues. */
async function seed(redis: Redis, queues: number, due = 1): Promise<void> {
  for (let queue = 0; queue < queues; queue++) {
    await redis.sadd("asynq:queues", `q${queue}`);
    for (let i = 0; i < due; i++) {
      await redis.hset(`asynq:{q${queue}}:t:${i}`, "msg", "m", "state", "scheduled");
      await redis.zadd(`asynq:{q${queue}}:scheduled`, 1, String(i));
    }
  }
}

describe("a Worker's cron trigger, in workerd", () => {
  cronTest("runs what is due and logs the report", async ({ trigger, redis }) => {
    await seed(redis, 2);

    expect(await trigger.ring()).toMatchObject({ outcome: "ok" });

    expect(await redis.lrange("asynq:{q1}:pending", 0, -1)).toEqual(["0"]);
    await expect.poll(() => trigger.logs.length).toBe(1);
    expect(JSON.parse(trigger.logs[0]!)).toMatchObject({ forward: { forwarded: 2 }, recover: {}, janitor: {}, repair: {}, failed: [] });
  });

  cronTest("fails visibly when a tick has, after all others have run", async ({ trigger, redis }) => {
    await seed(redis, 2);
    await redis.set("asynq:{q0}:pending", "in the way");

    expect(await trigger.ring()).toMatchObject({ outcome: "exception" });

    expect(await redis.lrange("asynq:{q1}:pending", 0, -1)).toEqual(["0"]);
    await expect.poll(() => trigger.logs.length).toBe(1);
    expect(JSON.parse(trigger.logs[0]!).failed).toMatchObject([{ tick: "forward", queue: "q0", error: { code: "REDIS" } }]);
  });

  cronTest("fails where Redis is away, and the next one does it", async ({ trigger, redis, faults }) => {
    await seed(redis, 1);
    faults.next("reset", "reset");

    expect(await trigger.ring()).toMatchObject({ outcome: "exception" });
    expect(await trigger.ring()).toMatchObject({ outcome: "ok" });

    expect(await redis.llen("asynq:{q0}:pending")).toBe(1);
  });

  cronTest("that rings several times at once does what one does", async ({ trigger, redis }) => {
    await seed(redis, 2, 150);

    const rung = await Promise.all([1, 2, 3].map(() => trigger.ring()));

    expect(rung.map(({ outcome }) => outcome)).toEqual(["ok", "ok", "ok"]);
    expect(new Set(await redis.lrange("asynq:{q0}:pending", 0, -1)).size).toBe(150);
    expect(await redis.llen("asynq:{q0}:pending")).toBe(150);
  });

  cronTest("costs few requests where nothing is to do, and no more than a Worker has where much is", async ({ trigger, redis, faults }) => {
    await seed(redis, 10, 0);
    const requests = async (): Promise<number> => {
      const before = faults.requests.length;
      expect(await trigger.ring()).toMatchObject({ outcome: "ok" });
      return faults.requests.length - before;
    };

    // Redis does not know the scripts yet, and the rare ticks are due.
    await redis.script("FLUSH");
    expect(await requests()).toBe(16);
    expect(await requests()).toBe(5);
    await redis.del("asynq:js:ticks");
    expect(await requests()).toBe(10);

    await seed(redis, 10, 1_000);
    let most = 0;
    let rings = 0;
    for (; (await redis.llen("asynq:{q9}:pending")) < 1_000; rings++) most = Math.max(most, await requests());
    expect(most).toBeLessThanOrEqual(50);
    expect(rings).toBeLessThan(3);
  });
});

describe("the route for hono, in workerd", () => {
  cronTest("asks for the secret and answers the report", async ({ trigger, redis }) => {
    await seed(redis, 1);
    const call = async (method: string, presented = secret) => {
      const headers = { Authorization: `Bearer ${presented}` };
      const response = await trigger.worker.dispatchFetch("http://worker/api/cron", { method, headers });
      return [response.status, await response.json()];
    };

    expect(await call("GET", "another-secret-of-it")).toEqual([401, { error: "unauthorized" }]);
    expect(await redis.exists("asynq:{q0}:pending")).toBe(0);
    expect(await call("GET")).toMatchObject([200, { forward: { forwarded: 1 }, failed: [] }]);
    expect(await call("POST")).toMatchObject([200, { forward: { forwarded: 0 }, failed: [] }]);
  });
});

test("a Worker with a cron trigger alone carries neither hono nor ioredis nor anything of Node", async () => {
  const worker = await buildWorker(path.join(import.meta.dirname, "scheduled.ts"), compatibilityDate);
  const files = [...worker.matchAll(/^\/\/ (\S+\.[cm]?[jt]s)$/gm)].map(([, file]) => file!);
  expect(files.length).toBeGreaterThan(10);
  for (const file of files)
    expect(file).toMatch(
      /packages\/(core|cron-fn)\/src\/|node_modules\/.*(protobufjs|@noble|long|cron-parser|luxon)|test\/edge\/scheduled\.ts/,
    );
  expect(worker).not.toMatch(/from ?"(node:|hono|ioredis)|require\("|new Function|\beval\(/);
}, 60_000);
