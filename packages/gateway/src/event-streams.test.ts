import { Redis as UpstashRedis } from "@upstash/redis";
import { Redis } from "ioredis";
import { onTestFinished } from "vitest";
import { startRedis } from "../../../test/support/redis-server.ts";
import { expect, send, test, token } from "../test/gateway-test.ts";
import { makeEventStreams } from "./event-streams.ts";
import { type Gateway, type GatewayOptions, startGateway } from "./index.ts";
import { resolveLimits } from "./limits.ts";
import type { SubscriptionReader } from "./subscriptions.ts";

/** A stream that is read event by event. */
interface Listening {
  readonly status: number;
  readonly headers: Headers;
  /** The next `data`, lines put together as the standard says; `undefined` at the end. */
  readonly next: () => Promise<string | undefined>;
  readonly abort: () => void;
}

async function listen(url: string, path: string, init: RequestInit = {}): Promise<Listening> {
  const abort = new AbortController();
  const headers = { Authorization: `Bearer ${token}` };
  const response = await fetch(url + path, { headers, signal: abort.signal, ...init });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const next = async (): Promise<string | undefined> => {
    for (;;) {
      const end = text.indexOf("\n\n");
      if (end >= 0) {
        const lines = text.slice(0, end).split("\n");
        text = text.slice(end + 2);
        const data = lines.flatMap((line) => (line.startsWith("data:") ? [line.slice(5).replace(/^ /, "")] : []));
        if (data.length > 0) return data.join("\n");
        continue;
      }
      const { value } = await reader.read();
      if (value === undefined) return undefined;
      text += value;
    }
  };
  return { status: response.status, headers: response.headers, next, abort: () => abort.abort() };
}

async function gatewayOf(options: Pick<GatewayOptions, "redis"> & Partial<GatewayOptions>): Promise<Gateway> {
  const gateway = await startGateway({ tokens: [token], port: 0, ...options });
  onTestFinished(() => gateway.close());
  return gateway;
}

test("what is published is read as server-sent events, by GET and POST, on channels and patterns", async ({ gateway, redis }) => {
  const chat = await listen(gateway.url, "/subscribe/chat/a%2Fb", { method: "POST", body: "[]" });
  const all = await listen(gateway.url, `/psubscribe/ch*?_token=${token}`, { headers: {} });

  expect([chat.status, chat.headers.get("content-type"), chat.headers.get("cache-control")]).toEqual([
    200,
    "text/event-stream",
    "no-store",
  ]);
  expect(chat.headers.get("upstash-sync-token")).toBeTruthy();
  expect([await chat.next(), await chat.next(), await all.next()]).toEqual(["subscribe,chat,1", "subscribe,a/b,2", "psubscribe,ch*,1"]);

  expect(await redis.publish("chat", "how are you, today?")).toBe(2);
  expect(await redis.publish("a/b", "😀")).toBe(1);

  expect([await chat.next(), await chat.next()]).toEqual(["message,chat,how are you, today?", "message,a/b,😀"]);
  expect(await all.next()).toBe("pmessage,ch*,chat,how are you, today?");
  chat.abort();
  all.abort();
});

test("a message with line breaks is one event, and forges none for @upstash/redis", async ({ gateway, redis }) => {
  const chat = await listen(gateway.url, "/subscribe/chat");
  const subscriber = new UpstashRedis({ url: gateway.url, token }).subscribe(["chat"]);
  onTestFinished(() => subscriber.unsubscribe());
  const heard: unknown[] = [];
  await new Promise((resolve) => subscriber.on("subscribe", resolve));
  subscriber.on("message", (message) => heard.push(message));
  await chat.next();

  for (const text of ["a\nmessage,chat,forged\n message,chat,forged\r\ndata: message,chat,forged\r\n", "\n\n", "last"])
    await redis.publish("chat", text);

  expect([await chat.next(), await chat.next(), await chat.next()]).toEqual([
    "message,chat,a\nmessage,chat,forged\n message,chat,forged\ndata: message,chat,forged\n",
    "message,chat,\n\n",
    "message,chat,last",
  ]);
  await expect
    .poll(() => heard)
    .toEqual([
      { channel: "chat", message: "a" },
      { channel: "chat", message: "" },
      { channel: "chat", message: "last" },
    ]);
  chat.abort();
});

test("all streams share one subscriber, which leaves a channel with its last reader", async ({ gateway, redis, redisUrl }) => {
  const db = new URL(redisUrl).pathname.slice(1);
  const connections = async () => String(await redis.client("LIST")).match(new RegExp(`name=asynqjs-gateway .* db=${db} `, "g"))?.length;
  const channels = async () => (await redis.pubsub("CHANNELS", `${db}:*`)) as string[];
  expect(await connections()).toBe(1);
  const streams = await Promise.all(Array.from({ length: 20 }, (_, i) => listen(gateway.url, `/subscribe/${db}:all/${db}:${i % 2}`)));

  expect(await connections()).toBe(2);
  expect((await channels()).sort()).toEqual([`${db}:0`, `${db}:1`, `${db}:all`]);
  for (const [i, stream] of streams.entries()) if (i % 2 === 1) stream.abort();
  await expect.poll(async () => (await channels()).sort()).toEqual([`${db}:0`, `${db}:all`]);
  await redis.publish(`${db}:all`, "still here");
  expect([await streams[0]!.next(), await streams[0]!.next(), await streams[0]!.next()]).toEqual([
    `subscribe,${db}:all,1`,
    `subscribe,${db}:0,2`,
    `message,${db}:all,still here`,
  ]);

  for (const stream of streams) stream.abort();
  await expect.poll(channels).toEqual([]);
});

test("so many streams may be open, and one more when one was left", async ({ redisUrl }) => {
  const gateway = await gatewayOf({ redis: redisUrl, limits: { maxStreams: 2 } });
  const [first, second] = [await listen(gateway.url, "/subscribe/a"), await listen(gateway.url, "/psubscribe/a")];

  expect(await send(gateway.url, "/subscribe/a", "")).toEqual([429, { error: "ERR max number of streams exceeded. Limit: 2" }]);
  first.abort();
  await expect.poll(async () => (await listen(gateway.url, "/subscribe/a")).status).toBe(200);
  second.abort();
});

test("the stream of a client that does not read ends when too much waits for it, and others are not held up", async ({
  redisUrl,
  redis,
}) => {
  const gateway = await gatewayOf({ redis: redisUrl, limits: { maxStreamBytes: 100_000 } });
  const slow = await listen(gateway.url, "/subscribe/a/slow");
  const quick = await listen(gateway.url, "/subscribe/a");
  const text = "x".repeat(50_000);
  await quick.next();

  // How much the sockets of both ends hold is the machine's to say.
  let published = 0;
  const slowOnes = async () => ((await redis.pubsub("NUMSUB", "slow")) as unknown[])[1];
  for (; (await slowOnes()) === 1 && published < 2_000; published++) {
    await redis.publish("a", text);
    expect(await quick.next()).toBe(`message,a,${text}`);
  }

  expect(published).toBeLessThan(2_000);
  await redis.publish("a", "still here");
  expect(await quick.next()).toBe("message,a,still here");
  let heard = 0;
  while ((await slow.next()) !== undefined) heard += 1;
  expect(heard).toBeLessThan(2 + published);
  quick.abort();
});

test("closing the gateway ends the streams, and takes no new one", async ({ redisUrl }) => {
  const gateway = await startGateway({ redis: redisUrl, tokens: [token], port: 0 });
  const stream = await listen(gateway.url, "/subscribe/a");
  await stream.next();

  await gateway.close();

  expect(await stream.next()).toBeUndefined();
});

test("while Redis is away there is no stream; one that was open goes on, and says so, when Redis is back", async () => {
  const server = await startRedis();
  const gateway = await gatewayOf({ redis: server.url });
  const stream = await listen(gateway.url, "/subscribe/a");
  expect(await stream.next()).toBe("subscribe,a,1");
  await server.kill("SIGKILL");
  await server.stop();

  await expect.poll(() => send(gateway.url, "/subscribe/b", "")).toEqual([503, { error: "ERR no connection to Redis; not subscribed" }]);

  const again = await startRedis({ port: server.port });
  onTestFinished(() => again.stop());
  expect(await stream.next()).toBe("subscribe,a,1");
  // Commands go over another connection, which is back when it is.
  await expect.poll(() => send(gateway.url, "/publish/a/back", "")).toEqual([200, { result: 1 }]);
  expect(await stream.next()).toBe("message,a,back");
  stream.abort();
});

test("a channel that Redis does not give to the gateway's user is refused in its words", async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const admin = new Redis(server.url, { protocol: 2 });
  await admin.call("ACL", "SETUSER", "gateway", ...["on", "nopass", "~*", "+@all", "resetchannels", "&open"]);
  admin.disconnect();
  const gateway = await gatewayOf({ redis: server.url.replace("//", "//gateway:any@") });

  const [status, body] = await send(gateway.url, "/subscribe/open/closed", "");

  expect([status, (body as { error: string }).error]).toEqual([400, expect.stringMatching(/^NOPERM /)]);
  expect((await listen(gateway.url, "/subscribe/open")).status).toBe(200);
});

test("a path without a channel, and MONITOR, are refused", async ({ gateway }) => {
  expect((await send(gateway.url, "/subscribe", ""))[0]).toBe(400);
  expect((await send(gateway.url, "/psubscribe", ""))[0]).toBe(400);
  expect(await send(gateway.url, "/monitor", "")).toEqual([
    400,
    { error: 'ERR Command "MONITOR" is not allowed in REST or it has a special context path' },
  ]);
});

test("a stream on which nothing moves gets a comment now and then, and none when nobody listens", async () => {
  const armed = new Set<() => void>();
  const open = makeEventStreams({ join: async () => () => {}, close: () => {} }, resolveLimits(), (afterMs, callback) => {
    expect(afterMs).toBe(10_000);
    armed.add(callback);
    return () => armed.delete(callback);
  });
  const elapse = () => {
    const [callback] = armed;
    armed.delete(callback!);
    callback!();
  };
  expect(armed.size).toBe(0);
  const reader = (await open("subscribe", ["a"])).getReader();

  elapse();
  elapse();

  expect([String((await reader.read()).value), String((await reader.read()).value)]).toEqual([":\n\n", ":\n\n"]);
  expect(armed.size).toBe(1);
  await reader.cancel();
  expect(armed.size).toBe(0);
});

test("a stream leaves its channels once, also when it ended before Redis confirmed them", async () => {
  const readers: SubscriptionReader[] = [];
  let left = 0;
  const open = makeEventStreams(
    {
      join: async (_kind, _names, reader) => {
        readers.push(reader);
        reader.end();
        return () => left++;
      },
      close: () => {},
    },
    resolveLimits({ maxStreams: 1 }),
    () => () => {},
  );

  for (const nth of [1, 2]) {
    expect((await (await open("subscribe", ["a"])).getReader().read()).done).toBe(true);
    for (const reader of readers) reader.end();
    expect(left).toBe(nth);
  }
});

test("@upstash/redis subscribes, hears, and unsubscribes", async ({ gateway, redis }) => {
  const upstash = new UpstashRedis({ url: gateway.url, token });
  const [subscriber, patterns] = [upstash.subscribe<{ n: number }>(["sdk"]), upstash.psubscribe(["sd*"])];
  const heard: unknown[] = [];
  await Promise.all([
    new Promise((resolve) => subscriber.on("subscribe", resolve)),
    new Promise((resolve) => patterns.on("psubscribe", resolve)),
  ]);
  subscriber.on("message", (message) => heard.push(message));
  patterns.on("pmessage", (message) => heard.push(message));

  expect(await upstash.publish("sdk", { n: 1 })).toBe(2);

  await expect.poll(() => heard.length).toBe(2);
  expect(heard).toContainEqual({ channel: "sdk", message: { n: 1 } });
  expect(heard).toContainEqual({ pattern: "sd*", channel: "sdk", message: { n: 1 } });
  await Promise.all([subscriber.unsubscribe(), patterns.unsubscribe()]);
  await expect.poll(() => redis.pubsub("NUMSUB", "sdk")).toEqual(["sdk", 0]);
  await expect.poll(() => redis.publish("sdk", "x")).toBe(0);
});
