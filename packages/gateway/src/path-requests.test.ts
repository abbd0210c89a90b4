import { Hono } from "hono";
import { onTestFinished } from "vitest";
import { expect, send, test, token } from "../test/gateway-test.ts";
import { gatewayApp } from "./app.ts";
import { openRedisLink } from "./redis-link.ts";

const authorization = { Authorization: `Bearer ${token}` };

test("a path is a command, by GET, POST and PUT", async ({ gateway, redis }) => {
  for (const method of ["GET", "POST", "PUT"]) {
    const response = await fetch(`${gateway.url}/set/foo/${method}/EX/100`, { method, headers: authorization });
    expect([response.status, await response.json()]).toEqual([200, { result: "OK" }]);
    expect([await redis.get("foo"), await redis.ttl("foo")]).toEqual([method, 100]);
  }
});

test("HEAD runs the command and answers without a body", async ({ gateway, redis }) => {
  const response = await fetch(`${gateway.url}/incr/n`, { method: "HEAD", headers: authorization });

  expect([response.status, await response.text()]).toEqual([200, ""]);
  expect(await redis.get("n")).toBe("1");
});

test("the body of a POST is a value, byte for byte, before what the parameters add", async ({ gateway, redis }) => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);

  const response = await fetch(`${gateway.url}/set/foo?EX=100&NX`, { method: "POST", body: bytes, headers: authorization });

  expect([response.status, await response.json()]).toEqual([200, { result: "OK" }]);
  expect([await redis.getBuffer("foo"), await redis.ttl("foo")]).toEqual([Buffer.from(bytes), 100]);
  const again = await fetch(`${gateway.url}/set/foo?NX`, { method: "POST", body: "x", headers: authorization });
  expect(await again.json()).toEqual({ result: null });
});

test("a script takes bytes as its last argument", async ({ gateway }) => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  const headers = { ...authorization, "Upstash-Encoding": "base64" };
  const script = encodeURIComponent("return ARGV[1]");

  const response = await fetch(`${gateway.url}/eval/${script}/0`, { method: "POST", body: bytes, headers });

  expect(await response.json()).toEqual({ result: Buffer.from(bytes).toString("base64") });
});

test("the token may stand in the URL, and is no part of the command", async ({ gateway, redis }) => {
  const get = async (path: string) => {
    const response = await fetch(gateway.url + path);
    return [response.status, await response.json()];
  };

  expect(await get(`/set/foo/bar?_token=${token}`)).toEqual([200, { result: "OK" }]);
  expect(await get(`/set/foo/baz?EX=100&_token=${token}`)).toEqual([200, { result: "OK" }]);
  expect([await redis.get("foo"), await redis.ttl("foo")]).toEqual(["baz", 100]);
  expect(await get("/get/foo?_token=other")).toEqual([401, { error: "WRONGPASS invalid or missing auth token" }]);
  expect(await send(`${gateway.url}/pipeline?_token=other`, "", '[["PING"]]')).toEqual([200, [{ result: "PONG" }]]);
});

test("what is written in the URL is not kept by a cache on the way", async ({ gateway }) => {
  for (const path of [`/ping?_token=${token}`, "/ping"]) {
    const response = await fetch(gateway.url + path);
    expect(response.headers.get("cache-control")).toBe("no-store");
    await response.body?.cancel();
  }
});

test("the paths of the gateway come before commands of that name, and only they", async ({ gateway }) => {
  expect(await send(gateway.url, "/health", "")).toEqual([400, { error: expect.stringMatching(/^ERR unknown command 'health'/) }]);
  expect(await send(gateway.url, "/pipeline", "x")).toEqual([400, { error: "ERR failed to parse pipeline request" }]);
  expect(await send(gateway.url, "/pipeline/x", "")).toEqual([400, { error: expect.stringMatching(/^ERR unknown command 'pipeline'/) }]);
  expect(await send(gateway.url, "/SUBSCRIBE/x", "")).toEqual([
    400,
    { error: 'ERR Command "SUBSCRIBE" is not allowed in REST or it has a special context path' },
  ]);
});

test("what is refused in a body is refused in a path, and what Redis refuses too", async ({ gateway }) => {
  expect(await send(gateway.url, "/config/get/requirepass", "")).toEqual([400, { error: "ERR Command is not available: 'CONFIG'" }]);
  expect(await send(gateway.url, "/get", "")).toEqual([400, { error: "ERR wrong number of arguments for 'get' command" }]);
  expect(await send(gateway.url, "/get/%zz", "")).toEqual([400, { error: "ERR failed to parse command" }]);
});

test("resp2 answers what Redis answered, byte for byte", async ({ gateway, redis }) => {
  await redis.set("bytes", Buffer.of(0xff, 0x0d, 0x0a, 0x00));
  const resp2 = async (path: string, body?: string) => {
    const headers = { ...authorization, "Upstash-Response-Format": "resp2" };
    const response = await fetch(gateway.url + path, { method: "POST", headers, ...(body !== undefined && { body }) });
    expect(response.headers.get("content-type")).toBe("application/octet-stream");
    return [response.status, Buffer.from(await response.arrayBuffer()).toString("latin1")];
  };

  expect(await resp2("/set/foo/bar")).toEqual([200, "+OK\r\n"]);
  expect(await resp2("/get/bytes")).toEqual([200, "$4\r\n\xff\r\n\0\r\n"]);
  expect(await resp2("/", '["GET"]')).toEqual([400, "-ERR wrong number of arguments for 'get' command\r\n"]);
  const script = 'return {1, false, {}, {"a", redis.status_reply("OK")}, {err = "ERR inside"}}';
  expect(await resp2("/pipeline", JSON.stringify([["EVAL", script, 0], ["LPOP", "none", 1], ["QUIT"], ["INCR", "n"]]))).toEqual([
    200,
    `*5\r\n:1\r\n$-1\r\n*0\r\n*2\r\n$1\r\na\r\n+OK\r\n-ERR inside\r\n*-1\r\n-ERR Command "QUIT" is not allowed in REST or it has a special context path\r\n:1\r\n`,
  ]);
});

test("a line break in a word of the caller does not end a resp2 reply", async ({ gateway }) => {
  const headers = { ...authorization, "Upstash-Response-Format": "resp2" };
  const response = await fetch(`${gateway.url}/no%0D%0A%2BOK/x`, { headers });
  expect(await response.text()).toMatch(/^-[^\r\n]*\r\n$/);
});

test("mounted under a path, it serves its paths from there", async ({ redisUrl, redis }) => {
  const link = openRedisLink(redisUrl);
  onTestFinished(() => link.close());
  await link.firstAttempt;
  const app = new Hono()
    .route("/deep/redis", gatewayApp({ link, tokens: [token] }))
    .mount("/other", gatewayApp({ link, tokens: [token] }).fetch);
  const ask = async (path: string, body?: string) =>
    (await app.request(path, { method: "POST", headers: authorization, ...(body !== undefined && { body }) })).json();

  expect(await ask("/deep/redis/set/foo?EX=100", "bar")).toEqual({ result: "OK" });
  expect([await redis.get("foo"), await redis.ttl("foo")]).toEqual(["bar", 100]);
  expect(await ask("/deep/redis/pipeline", '[["GET","foo"]]')).toEqual([{ result: "bar" }]);
  expect(await ask("/deep/redis", '["GET","foo"]')).toEqual({ result: "bar" });
  expect(await ask("/other/get/foo")).toEqual({ result: "bar" });
});
