import path from "node:path";
import { Task } from "@asynqjs/client-edge";
import { signEnqueueRequest } from "@asynqjs/client-edge/sign";
import { beforeAll, describe } from "vitest";
import { buildWorker } from "../support/build-worker.ts";
import { expect, test as gatewayTest, token } from "../support/gateway-test.ts";
import { runWorker } from "../support/run-worker.ts";

const secret = "the-secret-of-the-shop";

interface Answer {
  readonly status: number;
  readonly body: { readonly [key: string]: unknown };
}

interface Worker {
  readonly fetch: (path: string, init: { readonly method?: string; readonly headers?: object; readonly body?: unknown }) => Promise<Answer>;
  readonly post: (body: unknown, authorization?: string) => Promise<Answer>;
}

describe.each(["2025-10-01", "2026-10-01"])("an endpoint in a Worker that wrangler built, in workerd as of %s", (compatibilityDate) => {
  let module = "";
  beforeAll(async () => {
    module = await buildWorker(path.join(import.meta.dirname, "endpoint-worker.ts"), compatibilityDate);
  }, 60_000);

  const edgeTest = gatewayTest.extend<{ secrets: Record<string, string>; worker: Worker }>({
    secrets: { SECRET: secret },
    worker: async ({ gatewayUrl, secrets }, use) => {
      const miniflare = runWorker(module, compatibilityDate, { REDIS_URL: gatewayUrl, REDIS_TOKEN: token, ...secrets });
      const fetch: Worker["fetch"] = async (way, init) => {
        const response = await miniflare.dispatchFetch(`http://worker${way}`, { method: "POST", ...init } as object);
        return { status: response.status, body: (await response.json()) as Answer["body"] };
      };
      const post: Worker["post"] = (body, authorization = `Bearer ${secret}`) =>
        fetch("/tasks", {
          headers: { Authorization: authorization, "Content-Type": "application/json" },
          body: typeof body === "object" && !(body instanceof ReadableStream) ? JSON.stringify(body) : body,
        });
      await use({ fetch, post });
      await miniflare.dispose();
    },
  });

  edgeTest("enqueues for a bearer, one task and many, each with its verdict", async ({ worker, redis }) => {
    const task = (id: string, type = "email:x") => ({ type, payload: { id }, options: { taskId: id, queue: "mail" } });

    expect(await worker.post(task("1"))).toEqual({
      status: 202,
      body: { verdict: "enqueued", taskId: "1", queue: "mail", state: "pending" },
    });
    const { status, body } = await worker.post({ tasks: [task("1"), task("2"), task("3", "payment:x")] });

    expect([status, body.results]).toMatchObject([
      409,
      [{ verdict: "task-id-conflict" }, { verdict: "enqueued", taskId: "2" }, { code: "FORBIDDEN", option: "type" }],
    ]);
    expect(await redis.lrange("asynq:{mail}:pending", 0, -1)).toEqual(["2", "1"]);
  });

  edgeTest("takes what Node signed, and what workerd signed; not once it was changed, nor when it is old", async ({ worker, redis }) => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const ofNode = await signEnqueueRequest("http://worker/tasks", new Task("email:x", bytes, { taskId: "of Node" }), { secret });
    const signedInNode = { headers: Object.fromEntries(ofNode.headers), body: await ofNode.text() };
    const { body: signedInWorkerd } = await worker.fetch("/sign", { body: "grüße 🎉" });

    expect((await worker.fetch("/tasks", signedInNode)).status).toBe(202);
    expect((await worker.fetch("/tasks", signedInWorkerd)).status).toBe(202);
    expect((await worker.fetch("/tasks", signedInWorkerd)).body.verdict).toBe("task-id-conflict");
    const changed = await worker.fetch("/tasks", { ...signedInNode, body: signedInNode.body.replace("of Node", "of none") });
    expect([changed.status, changed.body.error]).toMatchObject([401, { code: "UNAUTHORIZED" }]);
    const clock = { nowMs: () => Date.now() - 301_000, monotonicMs: () => 0, after: () => () => {} };
    const old = await signEnqueueRequest("http://worker/tasks", new Task("email:x"), { secret, clock });
    const late = await worker.fetch("/tasks", { headers: Object.fromEntries(old.headers), body: await old.text() });
    expect([late.status, late.body.error]).toMatchObject([401, { code: "TIMESTAMP_OUT_OF_WINDOW" }]);

    expect(await redis.llen("asynq:{default}:pending")).toBe(2);
    expect((await redis.hgetBuffer("asynq:{default}:t:of Node", "msg"))!.includes(Buffer.from(bytes))).toBe(true);
  });

  edgeTest("refuses strangers, other methods and bodies that are too large, of a length that is told or not", async ({ worker, redis }) => {
    const pieces = ReadableStream.from(Array.from({ length: 11 }, () => new TextEncoder().encode("x".repeat(1_000))));

    expect((await worker.post({ type: "email:x" }, "Bearer another-secret-of-the-shop")).status).toBe(401);
    expect((await worker.fetch("/tasks", { method: "PUT", headers: { Authorization: `Bearer ${secret}` } })).status).toBe(405);
    expect((await worker.post("x".repeat(10_001))).status).toBe(413);
    const headers = { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" };
    expect((await worker.fetch("/tasks", { headers, body: pieces, duplex: "half" } as object)).status).toBe(413);
    expect(await redis.keys("*")).toEqual([]);
  });

  edgeTest("limits a caller from one request to the next", async ({ worker, redis }) => {
    const tasks = (count: number) => ({ tasks: Array.from({ length: count }, () => ({ type: "email:x" })) });
    expect((await worker.post(tasks(100))).status).toBe(202);
    expect((await worker.post(tasks(31))).body.error).toMatchObject({ code: "RATE_LIMITED" });
    expect(await redis.llen("asynq:{default}:pending")).toBe(100);
  });

  describe("whose secret is not set", () => {
    edgeTest.override({ secrets: {} });

    edgeTest("is closed", async ({ worker, redis }) => {
      for (const shown of ["Bearer undefined", "Bearer ", `Bearer ${secret}`])
        expect(await worker.post({ type: "email:x" }, shown)).toMatchObject({ status: 503, body: { error: { code: "NOT_CONFIGURED" } } });
      expect(await redis.keys("*")).toEqual([]);
    });
  });
});
