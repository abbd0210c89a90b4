import { once } from "node:events";
import { connect } from "node:net";
import { Redis } from "ioredis";
import { onTestFinished } from "vitest";
import { startRedis } from "../../../test/support/redis-server.ts";
import { expect, send, test, token } from "../test/gateway-test.ts";
import { startGateway } from "./start.ts";

test("a gateway without a token, or with an unusable setting, does not start", async ({ redisUrl }) => {
  const good = { redis: redisUrl, tokens: [token], port: 0 };
  for (const [option, bad] of [
    ["tokens", { tokens: [] }],
    ["tokens", { tokens: [""] }],
    ["redis", { redis: "nowhere" }],
    ["redis", { redis: "redis://127.0.0.1:99999" }],
    ["port", { port: 65_536 }],
    ["port", { port: Number.NaN }],
    ["host", { host: "" }],
    ["limits.maxBodyBytes", { limits: { maxBodyBytes: 0 } }],
    ["limits.maxCommands", { limits: { maxCommands: 1.5 } }],
    ["limits.timeoutMs", { limits: { timeoutMs: 2 ** 31 } }],
  ] as const) {
    await expect(startGateway({ ...good, ...bad })).rejects.toMatchObject({ code: "INVALID_OPTION", option });
  }
});

test("it listens on the loopback unless told otherwise", async ({ gateway }) => {
  expect(gateway.url).toBe(`http://127.0.0.1:${gateway.port}`);
  const elsewhere = connect(gateway.port, "127.0.0.2");
  const [error] = await once(elsewhere, "error");
  expect(error.code).toBe("ECONNREFUSED");
});

test("it listens where it is told", async ({ redisUrl }) => {
  const gateway = await startGateway({ redis: redisUrl, tokens: [token], host: "127.0.0.2", port: 0 });
  expect(await send(gateway.url, "/", '["PING"]')).toEqual([200, { result: "PONG" }]);
  await gateway.close();
});

test("a port that is taken is an error, and the connection to Redis is given up", async ({ gateway, redisUrl, redis }) => {
  const taken = startGateway({ redis: redisUrl, tokens: [token], port: gateway.port });

  await expect(taken).rejects.toMatchObject({ code: "EADDRINUSE" });
  // Of this test's own database: others may run gateways on the same Redis.
  const db = new URL(redisUrl).pathname.slice(1);
  const ours = new RegExp(`name=asynqjs-gateway .* db=${db} `, "g");
  await expect.poll(async () => String(await redis.client("LIST")).match(ours)?.length).toBe(1);
});

test("a client of the user's own is not closed with the gateway", async ({ redisUrl }) => {
  const client = new Redis(redisUrl, { protocol: 2 });
  onTestFinished(() => client.disconnect());
  const gateway = await startGateway({ redis: client, tokens: [token], port: 0 });
  expect(await send(gateway.url, "/", '["SET","a","1"]')).toEqual([200, { result: "OK" }]);

  await gateway.close();

  expect(await client.get("a")).toBe("1");
});

test("while Redis is away it answers 503 at once, and works again when Redis is back", async () => {
  const redis = await startRedis();
  const gateway = await startGateway({ redis: redis.url, tokens: [token], port: 0 });
  onTestFinished(() => gateway.close());
  const health = async () => (await fetch(`${gateway.url}/health`)).status;
  expect([await send(gateway.url, "/", '["PING"]'), await health()]).toEqual([[200, { result: "PONG" }], 200]);
  await redis.kill("SIGSTOP");
  const inFlight = send(gateway.url, "/", '["INCR","n"]');
  // Its bytes are on the way when Redis dies, or not yet: either way it is told which.
  await redis.kill("SIGKILL");
  await redis.stop();

  expect([
    [502, { error: "ERR the connection to Redis broke before the answer; the command may have run" }],
    [503, { error: "ERR no connection to Redis; the command was not sent" }],
  ]).toContainEqual(await inFlight);
  for (const path of ["/", "/pipeline", "/multi-exec"]) {
    const body = path === "/" ? '["INCR","n"]' : '[["INCR","n"]]';
    expect(await send(gateway.url, path, body)).toEqual([503, { error: "ERR no connection to Redis; the command was not sent" }]);
  }
  expect(await health()).toBe(503);

  const again = await startRedis({ port: redis.port });
  onTestFinished(() => again.stop());
  await expect.poll(() => send(gateway.url, "/", '["GET","n"]')).toEqual([200, { result: null }]);
});

test("a Redis that hangs is 504 when its time is up", async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const gateway = await startGateway({ redis: redis.url, tokens: [token], port: 0, limits: { timeoutMs: 1 } });
  onTestFinished(() => gateway.close());
  await redis.kill("SIGSTOP");

  expect(await send(gateway.url, "/", '["PING"]')).toEqual([
    504,
    { error: "ERR Redis did not answer within 1 ms; the command may have run" },
  ]);
});

test("close answers what is in flight, takes nothing new, and may be repeated", async ({ held }) => {
  const gateway = await startGateway({ redis: held.url, tokens: [token], port: 0 });
  const inFlight = fetch(gateway.url, { method: "POST", body: '["SET","a","1"]', headers: { Authorization: `Bearer ${token}` } });
  await held.oneWaits();

  const closed = Promise.all([gateway.close(), gateway.close()]);
  const [error] = await once(connect(gateway.port, "127.0.0.1"), "error");
  await held.release();

  expect(error.code).toBe("ECONNREFUSED");
  const response = await inFlight;
  expect([response.status, await response.json(), response.headers.get("connection")]).toEqual([200, { result: "OK" }, "close"]);
  await closed;
  expect(await held.client.get("a")).toBe("1");
});
