import path from "node:path";
import { decodeTaskMessage } from "@asynqjs/core/wire";
import { beforeAll, describe, test } from "vitest";
import { buildWorker } from "../support/build-worker.ts";
import { expect, test as gatewayTest, token } from "../support/gateway-test.ts";
import { runWorker } from "../support/run-worker.ts";

/** Where nobody listens. */
const nowhere = "http://127.0.0.1:49151";

interface Worker {
  readonly post: (
    path: string,
    body?: string | Uint8Array,
  ) => Promise<{ readonly status: number; readonly answer: Record<string, unknown> }>;
}

describe.each(["2025-10-01", "2026-10-01"])("a Worker that wrangler built, in workerd as of %s", (compatibilityDate) => {
  let module = "";
  beforeAll(async () => {
    module = await buildWorker(path.join(import.meta.dirname, "enqueue-worker.ts"), compatibilityDate);
  }, 60_000);

  const edgeTest = gatewayTest.extend<{ worker: Worker }>({
    worker: async ({ faults }, use) => {
      const miniflare = runWorker(module, compatibilityDate, { REDIS_URL: faults.url, REDIS_TOKEN: token, NOWHERE_URL: nowhere });
      await use({
        async post(way, body = "payload") {
          const response = await miniflare.dispatchFetch(`http://worker${way}`, { method: "POST", body });
          return { status: response.status, answer: (await response.json()) as Record<string, unknown> };
        },
      });
      await miniflare.dispose();
    },
  });

  for (const way of ["fetch", "upstash"]) {
    edgeTest(`enqueues by ${way}, any bytes unharmed`, async ({ worker, redis }) => {
      const payload = Buffer.from(Array.from({ length: 256 }, (_, i) => i));

      expect(await worker.post(`/${way}/a`, payload)).toEqual({
        status: 200,
        answer: { userAgent: "Cloudflare-Workers", id: "a", state: "pending" },
      });

      expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["a"]);
      expect((await redis.hgetBuffer("asynq:{default}:t:a", "msg"))!.includes(payload)).toBe(true);
    });

    edgeTest(`serves a hundred requests at once with one client for all, by ${way}`, async ({ worker, redis }) => {
      const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => worker.post(`/${way}/${i}`, `payload ${i}`)));

      expect(answers.map(({ answer }) => answer.id)).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`));
      expect(await redis.llen("asynq:{default}:pending")).toBe(100);
    });

    edgeTest(
      `gives each of a hundred requests its own answer, slow ones and lost ones among them, by ${way}`,
      async ({ worker, faults, redis }) => {
        await worker.post(`/${way}/warm`);
        const faultsOfFour = [{ untilRequests: faults.requests.length + 175 }, "reset", "drop-reply", "half-reply"] as const;
        // A quarter is answered only when all that was lost has been sent again: every request is under way beside others.
        faults.next(...Array.from({ length: 100 }, (_, i) => faultsOfFour[i % 4]!));

        const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => worker.post(`/${way}/${i}`, `payload ${i}`)));

        expect(answers.map(({ status, answer }) => [status, answer.id])).toEqual(Array.from({ length: 100 }, (_, i) => [200, `${i}`]));
        expect(await redis.llen("asynq:{default}:pending")).toBe(101);
        for (let i = 0; i < 100; i++) {
          const { payload } = decodeTaskMessage((await redis.hgetBuffer(`asynq:{default}:t:${i}`, "msg"))!, `task ${i}`);
          expect(Buffer.from(payload!).toString()).toBe(`payload ${i}`);
        }
      },
    );

    edgeTest(`repeats what got no answer by ${way}: one task, an ordinary answer`, async ({ worker, faults, redis }) => {
      await worker.post(`/${way}/warm`);
      for (const fault of ["reset", "drop-reply", "half-reply"] as const) {
        faults.next(fault);
        expect(await worker.post(`/${way}/${fault}`, fault)).toMatchObject({ status: 200, answer: { id: fault, state: "pending" } });
        expect(faults.requests.at(-1)!.body).toBe(faults.requests.at(-2)!.body);
      }
      expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["half-reply", "drop-reply", "reset", "warm"]);
    });

    edgeTest(`says what was refused, and follows no redirect, by ${way}`, async ({ worker, faults }) => {
      await worker.post(`/${way}/a`);
      expect(await worker.post(`/${way}/a`, "other")).toMatchObject({ status: 500, answer: { code: "TASK_ID_CONFLICT" } });
      expect(await worker.post(`/${way}/b`)).toMatchObject({ status: 500, answer: { code: "DUPLICATE_TASK" } });

      faults.next({ status: 401 });
      expect(await worker.post(`/${way}/c`, "c")).toMatchObject({ answer: { code: "REDIS", delivered: "no" } });

      faults.next({ status: 307, headers: { Location: `${faults.url}/elsewhere` } });
      expect(await worker.post(`/${way}/d`, "d")).toMatchObject({
        answer: { message: "redis over HTTP: it redirects elsewhere, and the token goes only to the url given" },
      });
      expect(faults.requests.map((request) => request.path)).not.toContain("/elsewhere");
    });
  }

  edgeTest("cannot tell a refused connection from a lost one here, so it stays unknown", async ({ worker }) => {
    expect(await worker.post("/nowhere/a")).toEqual({
      status: 500,
      answer: { code: "REDIS", message: "redis over HTTP: the connection failed", delivered: "unknown" },
    });
  });
});

test("the smallest Worker holds nothing of Node, no library, and makes no code of text", async () => {
  const module = await buildWorker(path.join(import.meta.dirname, "min.ts"), "2025-10-01");
  expect(module).toContain("asynq:{");
  expect(module).not.toMatch(/from ?"|require\(|new Function|\beval\(|\b(Buffer|process)\./);
  const files = [...module.matchAll(/^\/\/ (\S+\.[jt]s)$/gm)].map(([, file]) => file!);
  expect(files.length).toBeGreaterThan(10);
  for (const file of files) expect(file).toMatch(/packages\/(core|client-edge)\/src\/|test\/edge\/min\.ts/);
}, 60_000);
