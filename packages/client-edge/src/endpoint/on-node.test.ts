import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { onTestFinished } from "vitest";
import { callers, expect, secret, test } from "../../../../test/support/endpoint-test.ts";
import { enqueueEndpoint } from "../hono.ts";
import { type Client, Task } from "../index.ts";
import { signEnqueueRequest } from "../sign.ts";

/** A real HTTP server of Node with an endpoint that takes 10 kB. */
async function start(client: Client, bodyTimeoutMs?: number): Promise<{ readonly url: string; readonly port: number }> {
  const app = new Hono().all("/tasks", enqueueEndpoint({ client, callers, maxBodyBytes: 10_000, bodyTimeoutMs }));
  const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" });
  await once(server, "listening");
  onTestFinished(async () => {
    "closeAllConnections" in server && server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/tasks`, port };
}

test("through a server of Node a signed request enqueues, whatever its bytes", async ({ client, redis }) => {
  const { url } = await start(client);
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);

  const response = await fetch(await signEnqueueRequest(url, new Task("email:x", bytes, { taskId: "shop:1" }), { secret }));

  expect([response.status, await response.json()]).toMatchObject([202, { verdict: "enqueued", taskId: "shop:1" }]);
  expect((await redis.hgetBuffer("asynq:{default}:t:shop:1", "msg"))!.includes(Buffer.from(bytes))).toBe(true);
});

test("a body that comes in pieces and without a length is cut off where it is too large, and the next is served", async ({
  client,
  redis,
}) => {
  const { url } = await start(client);
  const headers = { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" };
  let sent = 0;
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const request = httpRequest(url, { method: "POST", headers: { ...headers, "Transfer-Encoding": "chunked" } }, (response) => {
      resolve(response.statusCode);
      response.resume();
    });
    const piece = `"${"x".repeat(1_000)}",`;
    const more = () => {
      if (request.destroyed || sent >= 50_000_000) return;
      sent += piece.length;
      request.write(piece, () => setImmediate(more));
    };
    // Once it was answered the server may hang up.
    request.on("error", reject);
    request.write("[");
    more();
  });

  expect(status).toBe(413);
  expect(sent).toBeLessThan(50_000_000);
  expect((await fetch(url, { method: "POST", headers, body: '{"type":"email:x"}' })).status).toBe(202);
  expect(await redis.llen("asynq:{default}:pending")).toBe(1);
});

test("a body that stops half-way is answered 408, one that breaks off hurts nobody", async ({ client, redis }) => {
  const { port } = await start(client, 50);
  const head = `POST /tasks HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nAuthorization: Bearer ${secret}\r\nContent-Length: 100\r\n\r\n{"type"`;
  const leaving = connect(port, "127.0.0.1");
  leaving.on("error", () => {});
  await once(leaving, "connect");
  leaving.write(head, () => leaving.destroy());
  const slow = connect(port, "127.0.0.1");
  slow.write(head);

  const [answer] = await once(slow, "data");

  slow.destroy();
  expect(String(answer)).toMatch(/^HTTP\/1.1 408 [\s\S]*"BODY_TIMEOUT"/);
  expect(await redis.keys("*")).toEqual([]);
});
