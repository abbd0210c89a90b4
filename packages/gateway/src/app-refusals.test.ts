import { once } from "node:events";
import { connect } from "node:net";
import { expect, send, test, token } from "../test/gateway-test.ts";
import { startGateway } from "./start.ts";

const authorization = { Authorization: `Bearer ${token}` };
const refused = (status: number, error: string) => [status, { error }];

test("every path but /health wants the token, also one that does not exist", async ({ gateway, redis }) => {
  for (const path of ["/", "/pipeline", "/multi-exec", "/subscribe/a", "/psubscribe/a", "/monitor", "/set/a/b", "/nowhere", "/?_token=x"]) {
    for (const headers of [undefined, { Authorization: "Bearer other" }, { Authorization: `Basic ${token}` }, { Authorization: token }]) {
      const response = await fetch(gateway.url + path, { method: "POST", body: '["SET","a","b"]', ...(headers && { headers }) });
      expect([response.status, await response.json()]).toEqual(refused(401, "WRONGPASS invalid or missing auth token"));
      expect(response.headers.get("www-authenticate")).toBe("Bearer");
    }
  }
  expect(await redis.dbsize()).toBe(0);
});

test("two tokens are accepted while one replaces the other", async ({ redisUrl }) => {
  const gateway = await startGateway({ redis: redisUrl, tokens: ["old", "new"], port: 0 });
  const statusFor = async (bearer: string) =>
    (await fetch(gateway.url, { method: "POST", body: '["PING"]', headers: { Authorization: `Bearer ${bearer}` } })).status;

  expect([await statusFor("old"), await statusFor("new"), await statusFor("older")]).toEqual([200, 200, 401]);
  await gateway.close();
});

test("/health tells whoever asks whether Redis answers, and nothing else", async ({ gateway }) => {
  const response = await fetch(`${gateway.url}/health`);
  expect([response.status, await response.json()]).toEqual([200, { redis: "up" }]);
});

test("a verb that a path does not have is 405 and names those it has", async ({ gateway }) => {
  const verbs = {
    "POST, PUT": ["/", "/pipeline", "/multi-exec"],
    "GET, POST, PUT": ["/subscribe/a", "/psubscribe/a*"],
    "GET, HEAD, POST, PUT": ["/get/a", "/nowhere"],
  };
  for (const [allow, paths] of Object.entries(verbs)) {
    for (const path of paths) {
      for (const method of ["GET", "DELETE", "PATCH", "OPTIONS", "QUERY", "PROPFIND"].filter((verb) => !allow.includes(verb))) {
        const response = await fetch(gateway.url + path, { method, headers: authorization });
        expect([path, method, response.status, await response.json()]).toEqual([path, method, ...refused(405, "ERR method not allowed")]);
        expect(response.headers.get("allow")).toBe(allow);
      }
    }
  }
  expect((await fetch(gateway.url, { method: "HEAD", headers: authorization })).status).toBe(405);
});

test("verbs that fetch cannot send, and what is no HTTP at all, are refused at once as well", async ({ gateway }) => {
  const statusOf = async (request: string) => {
    const socket = connect(gateway.port, "127.0.0.1");
    socket.write(request);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk);
    return /^HTTP\/1\.1 (\d+)|^$/.exec(Buffer.concat(chunks).toString())?.[1] ?? "closed";
  };
  const rest = `Host: a\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`;

  expect(await statusOf(`TRACE / HTTP/1.1\r\n${rest}`)).toBe("405");
  expect(await statusOf(`CONNECT a:1 HTTP/1.1\r\n${rest}`)).toBe("closed");
  expect(await statusOf(`BREW / HTTP/1.1\r\n${rest}`)).toBe("400");
  expect(await statusOf("*1\r\n$4\r\nPING\r\n")).toBe("400");
  expect(await statusOf(`GET /${"x".repeat(20_000)} HTTP/1.1\r\n${rest}`)).toBe("431");
  expect(await statusOf(`GET /ping HTTP/1.1\r\nX: ${"x".repeat(20_000)}\r\n${rest}`)).toBe("431");
  expect(await statusOf(`GET /ping HTTP/1.1\r\n${rest}`)).toBe("200");
});

test("a reply format that is not served is refused rather than answered in another", async ({ gateway }) => {
  const format = (path: string, headers: Record<string, string>) => send(gateway.url, path, '[["PING"]]', headers);

  expect(await format("/pipeline", { "Upstash-Response-Format": "JSON" })).toEqual([200, [{ result: "PONG" }]]);
  expect(await format("/pipeline", { "Upstash-Response-Format": "resp3" })).toEqual(
    refused(400, "ERR unsupported Upstash-Response-Format"),
  );
  expect(await format("/multi-exec", { "Upstash-Response-Format": "resp2" })).toEqual(refused(400, "ERR /multi-exec answers in JSON only"));
  expect(await format("/pipeline", { "Upstash-Response-Format": "resp2", "Upstash-Encoding": "base64" })).toEqual(
    refused(400, "ERR Upstash-Encoding base64 is not for the Upstash-Response-Format resp2"),
  );
});

test("bodies that are no command are 400 in the words of their endpoint", async ({ gateway }) => {
  for (const body of ["", "nope", "{}", '{"commands":[]}', '"PING"', "null", "[1]", '[["PING"]]', "[".repeat(200_000)]) {
    expect(await send(gateway.url, "/", body)).toEqual(refused(400, "ERR failed to parse command"));
  }
  for (const body of ["", "{}", '["PING"]', '[["PING"],1]', '[[["PING"]]]']) {
    expect(await send(gateway.url, "/pipeline", body)).toEqual(refused(400, "ERR failed to parse pipeline request"));
    expect(await send(gateway.url, "/multi-exec", body)).toEqual(refused(400, "ERR failed to parse transaction request"));
  }
  expect(await send(gateway.url, "/", "[]")).toEqual(refused(400, "ERR empty command"));
  expect(await send(gateway.url, "/pipeline", "[]")).toEqual(refused(400, "ERR empty pipeline request"));
  expect(await send(gateway.url, "/multi-exec", "[[]]")).toEqual(refused(400, "ERR empty transaction command"));
});

test("a body may be as long as the limit, announced or not, and not one byte longer", async ({ redisUrl, redis }) => {
  const gateway = await startGateway({ redis: redisUrl, tokens: [token], port: 0, limits: { maxBodyBytes: 100 } });
  const ofBytes = (n: number) => `["ECHO","${"x".repeat(n - 11)}"]`;
  const chunked = (text: string) => {
    const init = { method: "POST", body: new Blob([text]).stream(), headers: authorization, duplex: "half" } as const;
    return fetch(gateway.url, init).then(async (response) => [response.status, await response.json()]);
  };

  for (const n of [99, 100]) {
    const echoed = [200, { result: "x".repeat(n - 11) }];
    expect(await send(gateway.url, "/", ofBytes(n))).toEqual(echoed);
    expect(await chunked(ofBytes(n))).toEqual(echoed);
  }
  const tooLarge = (actual: string) => refused(413, `ERR max request size exceeded. Limit: 100 bytes, Actual: ${actual} bytes`);
  expect(await send(gateway.url, "/", ofBytes(101))).toEqual(tooLarge("101"));
  expect(await chunked(ofBytes(101))).toEqual(tooLarge("more than 100"));
  expect(await redis.dbsize()).toBe(0);
  await gateway.close();
});

test("a body without end is refused while it arrives", async ({ redisUrl }) => {
  const gateway = await startGateway({ redis: redisUrl, tokens: [token], port: 0, limits: { maxBodyBytes: 100_000 } });
  const socket = connect(gateway.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(`POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nTransfer-Encoding: chunked\r\n\r\n`);
  const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
  socket.write(chunk + chunk);

  const [answer] = await once(socket, "data");

  expect(answer.toString()).toMatch(/^HTTP\/1.1 413 .*^connection: close.*"ERR max request size exceeded/ims);
  socket.destroy();
  await gateway.close();
});

test("a pipeline may be as long as the limit, and not one command longer", async ({ redisUrl, redis }) => {
  const gateway = await startGateway({ redis: redisUrl, tokens: [token], port: 0, limits: { maxCommands: 3 } });
  const incr = (n: number) => JSON.stringify(Array.from({ length: n }, () => ["INCR", "n"]));

  for (const [path, kind] of [
    ["/pipeline", "pipeline"],
    ["/multi-exec", "transaction"],
  ] as const) {
    await redis.flushdb();
    expect((await send(gateway.url, path, incr(2)))[0]).toBe(200);
    expect((await send(gateway.url, path, incr(3)))[0]).toBe(200);
    expect(await send(gateway.url, path, incr(4))).toEqual(
      refused(400, `ERR max ${kind} length exceeded. Limit: 3 commands, Actual: 4 commands`),
    );
    expect(await redis.get("n")).toBe("5");
  }
  await gateway.close();
});
