import { expect, send, test, token } from "../test/gateway-test.ts";

const base64 = { "Upstash-Encoding": "base64" };
const b64 = (text: string) => Buffer.from(text).toString("base64");

test("POST / runs a command and answers its result", async ({ post, redis }) => {
  expect(await post("/", ["SET", "key", "value", "EX", 100])).toEqual([200, { result: "OK" }]);

  expect(await redis.get("key")).toBe("value");
  expect(await redis.ttl("key")).toBe(100);
  expect(await post("/", ["get", "key"])).toEqual([200, { result: "value" }]);
  expect(await post("/", ["GET", "none"])).toEqual([200, { result: null }]);
});

test("the content type of a request does not matter, as with curl -d", async ({ gateway }) => {
  for (const type of ["application/x-www-form-urlencoded", "text/plain", "application/octet-stream", "multipart/form-data"]) {
    expect(await send(gateway.url, "/", '["PING"]', { "Content-Type": type })).toEqual([200, { result: "PONG" }]);
  }
});

test("PUT is as good as POST", async ({ gateway }) => {
  const response = await fetch(gateway.url, { method: "PUT", body: '["PING"]', headers: { Authorization: `Bearer ${token}` } });
  expect([response.status, await response.json()]).toEqual([200, { result: "PONG" }]);
});

test("answers are application/json", async ({ gateway }) => {
  const headers = { Authorization: `Bearer ${token}` };
  for (const body of ['["PING"]', "nope"]) {
    const response = await fetch(gateway.url, { method: "POST", body, headers });
    expect(response.headers.get("content-type")).toBe("application/json");
    await response.body?.cancel();
  }
});

test("without base64 what is no UTF-8 is answered as U+FFFD", async ({ post, redis }) => {
  await redis.set("key", Buffer.of(0x61, 0xff, 0x00, 0x62));
  expect(await post("/", ["GET", "key"])).toEqual([200, { result: "a\ufffd\0b" }]);
});

test("all 256 byte values cross to Redis as latin-1 text that a script folds, and back as base64", async ({ post, redis }) => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  const fold = `local s = string.gsub(ARGV[1], "\\195(.)", function(c) return "\\194" .. string.char(string.byte(c) + 64) end)
    redis.call("SET", KEYS[1], (string.gsub(s, "\\194(.)", "%1")))
    return redis.call("GET", KEYS[1])`;

  const [status, body] = await post("/", ["EVAL", fold, 1, "key", String.fromCharCode(...bytes)], base64);

  expect(await redis.getBuffer("key")).toEqual(Buffer.from(bytes));
  expect([status, body]).toEqual([200, { result: Buffer.from(bytes).toString("base64") }]);
});

test("a NUL and any text reach a script as they were sent", async ({ post }) => {
  const text = '\0\u0001 \r\n"\\ ÿ ключ 😀';
  expect(await post("/", ["EVAL", "return {#ARGV[1], ARGV[1]}", 0, text])).toEqual([200, { result: [Buffer.byteLength(text), text] }]);
});

test("base64 leaves a status OK, integers and nil plain, and encodes every other string", async ({ post, redis }) => {
  await redis.mset("ok", "OK", "empty", "");

  const results = async (...commands: unknown[]) => (await post("/pipeline", commands, base64))[1];

  expect(await results(["SET", "key", "1"], ["GET", "ok"], ["PING"], ["TYPE", "ok"])).toEqual([
    { result: "OK" },
    { result: b64("OK") },
    { result: b64("PONG") },
    { result: b64("string") },
  ]);
  expect(await results(["GET", "empty"], ["GET", "none"], ["INCR", "key"], ["MGET", "ok", "none"], ["BZPOPMIN"], ["KEYS", "x"])).toEqual([
    { result: "" },
    { result: null },
    { result: 2 },
    { result: [b64("OK"), null] },
    { error: 'ERR Command "BZPOPMIN" is not allowed in REST or it has a special context path' },
    { result: [] },
  ]);
});

test("base64 encodes each string of a nested array, an OK of either kind too", async ({ post }) => {
  const script = 'return {"OK", redis.status_reply("OK"), 7, {{"a", "OK"}, {err = "ERR inside"}, false}}';
  expect(await post("/", ["EVAL", script, 0], base64)).toEqual([
    200,
    { result: [b64("OK"), b64("OK"), 7, [[b64("a"), b64("OK")], { error: "ERR inside" }, null]] },
  ]);
});

test("integers keep all their digits both ways", async ({ gateway, redis }) => {
  const response = await fetch(`${gateway.url}/pipeline`, {
    method: "POST",
    body: '[["SET", "n", 9223372036854775806], ["INCR", "n"], ["DECRBY", "m", 9007199254740993]]',
    headers: { Authorization: `Bearer ${token}` },
  });
  expect(await response.text()).toBe('[{"result":"OK"},{"result":9223372036854775807},{"result":-9007199254740993}]');
  expect(await redis.get("n")).toBe("9223372036854775807");
});

test("an error of Redis is 400 and begins with its code", async ({ post, redis }) => {
  await redis.set("text", "a");
  const refusedBy = async (...command: unknown[]) => {
    const [status, body] = await post("/", command, base64);
    return [status, (body as { error: string }).error];
  };
  expect(await refusedBy("GET")).toEqual([400, "ERR wrong number of arguments for 'get' command"]);
  expect(await refusedBy("LPUSH", "text", "a")).toEqual([400, "WRONGTYPE Operation against a key holding the wrong kind of value"]);
  expect(await refusedBy("EVALSHA", "0".repeat(40), "0")).toEqual([400, "NOSCRIPT No matching script. Please use EVAL."]);
  expect(await refusedBy("NOSUCH")).toEqual([400, expect.stringMatching(/^ERR unknown command/)]);
});

test("a pipeline is 200 and goes on after an error and after what is not sent", async ({ post, redis }) => {
  await redis.set("text", "a");

  const answer = await post("/pipeline", [
    ["SET", "key1", "valuex"],
    ["INCR", "text"],
    ["SUBSCRIBE", "c"],
    ["EVALSHA", "0".repeat(40), 0],
    ["SHUTDOWN"],
    ["SET", "last", "1"],
  ]);

  expect(answer).toEqual([
    200,
    [
      { result: "OK" },
      { error: "ERR value is not an integer or out of range" },
      { error: 'ERR Command "SUBSCRIBE" is not allowed in REST or it has a special context path' },
      { error: "NOSCRIPT No matching script. Please use EVAL." },
      { error: "ERR Command is not available: 'SHUTDOWN'" },
      { result: "OK" },
    ],
  ]);
  expect(await redis.mget("key1", "last")).toEqual(["valuex", "1"]);
});

test("a pipeline of nothing but refused commands is answered without Redis", async ({ post }) => {
  expect(await post("/pipeline", [["QUIT"]])).toEqual([
    200,
    [{ error: 'ERR Command "QUIT" is not allowed in REST or it has a special context path' }],
  ]);
});

test("a transaction runs whole, an error while it runs in its place", async ({ post, redis }) => {
  await redis.set("text", "a");

  const answer = await post(
    "/multi-exec",
    [
      ["SET", "key", "OK"],
      ["INCR", "text"],
      ["GET", "key"],
      ["INCR", "n"],
    ],
    base64,
  );

  expect(answer).toEqual([
    200,
    [{ result: "OK" }, { error: "ERR value is not an integer or out of range" }, { result: b64("OK") }, { result: 1 }],
  ]);
});

test("a transaction with a command that cannot run is discarded whole, and the connection is as it was", async ({ post, redis }) => {
  for (const [bad, cause] of [
    [["LPUSH"], "ERR wrong number of arguments for 'lpush' command"],
    [["WATCH", "k"], 'ERR Command "WATCH" is not allowed in REST or it has a special context path'],
    [["DEBUG", "SLEEP", "0"], "ERR Command is not available: 'DEBUG'"],
  ] as const) {
    const answer = await post("/multi-exec", [["SET", "before", "1"], bad, ["SET", "after", "1"]]);

    expect(answer).toEqual([400, { error: `EXECABORT Transaction discarded because of: ${cause}` }]);
    expect(await redis.dbsize()).toBe(0);
    expect(await post("/", ["PING"])).toEqual([200, { result: "PONG" }]);
  }
});

test("requests that run at once each get their own answer", async ({ post }) => {
  const numbers = Array.from({ length: 200 }, (_, i) => i);
  const answers = await Promise.all(
    numbers.map((i) =>
      i % 2 === 0
        ? post("/", ["ECHO", `${i}`])
        : post("/multi-exec", [
            ["ECHO", `${i}`],
            ["ECHO", `${-i}`],
          ]),
    ),
  );
  expect(answers).toEqual(numbers.map((i) => [200, i % 2 === 0 ? { result: `${i}` } : [{ result: `${i}` }, { result: `${-i}` }]]));
});

test("a command whose name is lower case or unknown to any client library is Redis's business", async ({ post, redis }) => {
  await redis.hset("h", "f", "v");
  // ioredis would make an object of it.
  expect(await post("/", ["hgetall", "h"])).toEqual([200, { result: ["f", "v"] }]);
});
