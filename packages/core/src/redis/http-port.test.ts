import { getEventListeners } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Redis as UpstashRedis } from "@upstash/redis";
import { describe } from "vitest";
import { expect, test, token } from "../../../../test/support/gateway-test.ts";
import { hastyClock, hastyTimeoutMs } from "../../../../test/support/hasty-clock.ts";
import type { HttpFault } from "../../../../test/support/http-faults.ts";
import { enqueue } from "../broker/enqueue.ts";
import { type Broker, makeBroker } from "../broker.ts";
import type { Clock } from "../clock.ts";
import { composeTask, type EnqueueOptions, type NewTask } from "../options.ts";
import type { RedisPort } from "../redis.ts";
import { type Payload, Task } from "../task.ts";
import { manualClock, seededRandom } from "../testing/manual-clock.ts";
import { fetchRedis } from "./fetch.ts";
import type { HttpPortOptions } from "./http-port.ts";
import { upstashRedis } from "./upstash.ts";

/** Its pauses pass at once; a try never times out. */
const hasty = (options: Omit<HttpPortOptions, "clock"> = {}) => {
  const clock = hastyClock();
  return { clock, random: seededRandom(1), timeoutMs: 1e7, tryTimeoutMs: hastyTimeoutMs, ...options } as const;
};

const brokerOn = (redis: RedisPort): Broker => makeBroker({ redis, clock: hastyClock(), random: seededRandom(2) });

const aTask = ({ payload, ...options }: EnqueueOptions & { readonly payload?: Payload } = {}): NewTask =>
  composeTask(new Task("email:send", payload), { taskId: "a", ...options }, { clock: hastyClock(), random: seededRandom(3) });

const ports: [string, (url: string, options?: HttpPortOptions & { readonly token?: string }) => RedisPort][] = [
  ["fetchRedis", (url, options) => fetchRedis({ url, token, ...options })],
  ["upstashRedis", (url, { token: other = token, ...options } = {}) => upstashRedis(new UpstashRedis({ url, token: other }), options)],
];

describe.each(ports)("%s", (_, portTo) => {
  test("answers bytes as they are, numbers as numbers, nil as null, lists as lists, and a refusal as a value beside its neighbours", async ({
    gatewayUrl,
  }) => {
    const all = "local all = '' for i = 0, 255 do all = all .. string.char(i) end";
    const port = portTo(gatewayUrl);

    const results = await port.send([
      ["SET", "k", "grüße 世界 \u{1f389} \0"],
      ["GET", "k"],
      ["EVAL", `${all} return all`, "0"],
      ["LPUSH", "k", "x"],
      ["INCR", "n"],
      ["GET", "none"],
      ["EVAL", `${all} return {all, {1, false, {}}, 'OK', ''}`, "0"],
    ]);

    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
    expect(results.map(({ reply }) => reply)).toEqual([
      utf8("OK"),
      utf8("grüße 世界 \u{1f389} \0"),
      bytes,
      undefined,
      1,
      null,
      [bytes, [1, null, []], utf8("OK"), utf8("")],
    ]);
    expect(results[3]!.error).toMatchObject({ code: "REDIS", reply: "WRONGTYPE", delivered: "no" });
  });

  test("stores payloads of any bytes unharmed", async ({ gatewayUrl, redis }) => {
    const broker = brokerOn(portTo(gatewayUrl));
    const payloads = [
      Uint8Array.from({ length: 256 }, (_, i) => i),
      new TextEncoder().encode("\u{feff}grüße 世界 \u{1f389} \0 ÂÃ"),
      Uint8Array.of(0xc3),
      Uint8Array.from({ length: 5_000 }, (_, i) => (i * 7919) >> (i % 9)),
    ];

    await enqueue(
      broker,
      payloads.map((payload, i) => aTask({ taskId: `${i}`, payload })),
    );

    for (const [i, payload] of payloads.entries())
      expect((await redis.hgetBuffer(`asynq:{default}:t:${i}`, "msg"))!.includes(Buffer.from(payload))).toBe(true);
  });

  describe("an answer that never came", () => {
    const lost: [string, HttpFault][] = [
      ["a request that was lost", "reset"],
      ["a reply that was lost", "drop-reply"],
      ["a reply that ends in its middle", "half-reply"],
      ["a reply that is no JSON", { status: 200, body: "<html>" }],
      ["a reply cut short", { status: 200, body: '[{"result":"T0s' }],
      ["a reply with too few results", { status: 200, body: '[{"result":1}]' }],
      ["a reply that is not base64", { status: 200, body: '[{"result":1},{"result":"=====*"}]' }],
      ["a reply in plain text", { status: 200, body: '[{"result":1},{"result":"ec"}]' }],
      ["a page that says 500", { status: 500, body: "<html>Internal Server Error</html>" }],
      ["503", { status: 503, body: '{"error":"ERR redis is not connected"}' }],
      ["408", { status: 408 }],
      ["429", { status: 429 }],
    ];

    test.for(lost)("is asked for again, as the same bytes, and the task is there once: %s", async ([_, fault], { faults, redis }) => {
      const broker = brokerOn(portTo(faults.url, hasty()));
      await enqueue(broker, [aTask({ queue: "warm" })]);
      const already = faults.requests.length;

      faults.next(fault);
      expect(await enqueue(broker, [aTask()])).toEqual([{ verdict: "enqueued" }]);

      expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["a"]);
      const [first, second, ...more] = faults.requests.slice(already);
      expect(second!.body).toBe(first!.body);
      // Another test may have made this Redis forget the script meanwhile: then it comes by text.
      expect(more.filter(({ body }) => !body.includes('"EVAL"'))).toEqual([]);
    });

    test.for(lost)("is unknown when it stays away: %s", async ([_, fault], { faults }) => {
      const port = portTo(faults.url, hasty({ maxTries: 1 }));
      faults.next(fault);
      await expect(
        port.send([
          ["SET", "k", "v"],
          ["GET", "k"],
        ]),
      ).rejects.toMatchObject({ code: "REDIS", delivered: "unknown" });
    });

    test("is waited for by ever longer random pauses, six tries in all", async ({ faults }) => {
      const options = hasty({ random: { float: () => 1, bytes: (length) => new Uint8Array(length) } });
      faults.next(...Array.from({ length: 7 }, (): HttpFault => "reset"));

      await expect(portTo(faults.url, options).send([["PING"]])).rejects.toMatchObject({ delivered: "unknown" });

      expect(faults.requests).toHaveLength(6);
      expect(options.clock.pausesMs).toEqual([100, 200, 400, 800, 1_600]);
    });

    test("is waited for as long as Retry-After asks, in seconds or as a date, and not at all beyond the deadline", async ({ faults }) => {
      const inSeconds = hasty();
      faults.next({ status: 429, headers: { "Retry-After": "7" } });
      await portTo(faults.url, inSeconds).send([["PING"]]);
      expect(inSeconds.clock.pausesMs).toEqual([7_000]);

      const asDate = hasty();
      const date = new Date(asDate.clock.nowMs() + 9_000).toUTCString();
      faults.next({ status: 503, headers: { "Retry-After": date } });
      await portTo(faults.url, asDate).send([["PING"]]);
      expect(asDate.clock.pausesMs).toEqual([9_000]);

      const never = hasty();
      faults.next({ status: 429, headers: { "Retry-After": "86400" } });
      await expect(portTo(faults.url, never).send([["PING"]])).rejects.toMatchObject({ status: 429, delivered: "unknown" });
      expect(never.clock.pausesMs).toEqual([]);
    });

    test("is given up after the time of one try, and asked for again until the deadline", async ({ faults, redis }) => {
      const clock = manualClock();
      const port = portTo(faults.url, { clock, random: seededRandom(1), tryTimeoutMs: 3_000, timeoutMs: 10_000 });
      faults.next("hold-reply");

      const sent = port.send([["INCR", "n"]]);
      await faults.held;
      await clock.advance(3_000);
      await clock.advance(100);

      expect(await sent).toEqual([{ reply: 2 }]);
      expect(await redis.get("n")).toBe("2");
      expect(clock.waiting).toBe(0);
    });

    test("is given up at the deadline", async ({ faults }) => {
      const clock = manualClock();
      const port = portTo(faults.url, { clock, random: seededRandom(1) });
      faults.next("hold-reply");

      const sent = port.send([["INCR", "n"]], { timeoutMs: 2_000 });
      await faults.held;
      await clock.advance(2_000);

      await expect(sent).rejects.toMatchObject({ message: "redis over HTTP: no answer in time", delivered: "unknown" });
      expect(faults.requests).toHaveLength(1);
      expect(clock.waiting).toBe(0);
    });
  });

  describe("a refusal", () => {
    test.for([400, 401, 403, 404, 405, 413, 422])(
      "of the whole request says that nothing was written, and is not asked twice: %i",
      async (status, { faults }) => {
        const body = '{"error":"WRONGPASS invalid or missing auth token"}';
        faults.next({ status, body });
        await expect(portTo(faults.url, hasty()).send([["PING"]])).rejects.toMatchObject({
          message: `redis over HTTP: status ${status}, WRONGPASS invalid or missing auth token`,
          code: "REDIS",
          delivered: "no",
          status,
        });
        expect(faults.requests).toHaveLength(1);
      },
    );

    test("by the gateway itself reads the same: a wrong token, a body beyond its limit", async ({ gatewayUrl }) => {
      await expect(portTo(gatewayUrl, { ...hasty(), token: "another" }).send([["PING"]])).rejects.toMatchObject({
        message: "redis over HTTP: status 401, WRONGPASS invalid or missing auth token",
        delivered: "no",
      });
      const port = portTo(gatewayUrl, hasty({ maxRequestBytes: 20e6 }));
      await expect(port.send([["SET", "k", "x".repeat(11e6)]])).rejects.toMatchObject({ status: 413, delivered: "no" });
    });

    test("leaves it unknown when an earlier try was", async ({ faults }) => {
      faults.next("drop-reply", { status: 401 });
      await expect(portTo(faults.url, hasty()).send([["SET", "k", "v"]])).rejects.toMatchObject({ status: 401, delivered: "unknown" });
    });

    test.for(["LOADING Redis is loading the dataset in memory", "NOPERM no permissions", "NOSCRIPT No matching script"])(
      "by Redis leaves it unknown when an earlier try was: %s",
      async (error, { faults, redis }) => {
        faults.next("drop-reply", { status: 200, body: JSON.stringify([{ error }, { result: 1 }]) });
        const port = portTo(faults.url, hasty({ maxTries: 2 }));

        const [refused, answered] = await port.send([
          ["SET", "k", "v"],
          ["INCR", "n"],
        ]);

        expect(refused!.error).toMatchObject({ reply: error.split(" ")[0], delivered: "unknown" });
        expect(answered).toEqual({ reply: 1 });
        expect(await redis.get("k")).toBe("v");
      },
    );

    test("of the text of a script leaves it unknown when a try by its hash was", async ({ faults, redis }) => {
      const nobody: HttpFault = { status: 401 };
      const broker = brokerOn(portTo(faults.url, hasty()));
      await enqueue(broker, [aTask({ taskId: "before" })]);
      faults.next("drop-reply", { status: 200, body: '[{"error":"NOSCRIPT No matching script"}]' }, nobody);

      expect(await enqueue(broker, [aTask()])).toMatchObject([{ error: { code: "REDIS", status: 401, delivered: "unknown" } }]);
      expect(await redis.exists("asynq:{default}:t:a")).toBe(1);
    });

    test("by a Redis that will soon be well is asked again, and only that command", async ({ faults, redis }) => {
      faults.next({ status: 200, body: '[{"result":1},{"error":"LOADING Redis is loading the dataset in memory"},{"result":null}]' });

      const results = await portTo(faults.url, hasty()).send([
        ["INCR", "one"],
        ["INCR", "two"],
        ["GET", "three"],
      ]);

      expect(results).toEqual([{ reply: 1 }, { reply: 1 }, { reply: null }]);
      expect(await redis.mget("one", "two")).toEqual([null, "1"]);
      expect(JSON.parse(faults.requests[1]!.body)).toEqual([["INCR", "two"]]);
    });

    test("by a Redis that stays unwell is the command's result in the end", async ({ faults }) => {
      const loading: HttpFault = { status: 200, body: '[{"error":"LOADING Redis is loading the dataset in memory"}]' };
      faults.next(...Array.from({ length: 6 }, () => loading));
      const [result] = await portTo(faults.url, hasty()).send([["INCR", "n"]]);
      expect(result!.error).toMatchObject({ reply: "LOADING", delivered: "no" });
    });
  });

  test("never follows a redirect with the token", async ({ faults }) => {
    let followed = 0;
    const elsewhere = createServer((_, response) => {
      followed++;
      response.end("[]");
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
    const Location = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/pipeline`;

    for (const status of [301, 302, 303, 307, 308]) {
      faults.next({ status, headers: { Location } });
      await expect(portTo(faults.url, hasty()).send([["PING"]])).rejects.toMatchObject({
        message: "redis over HTTP: it redirects elsewhere, and the token goes only to the url given",
        delivered: "unknown",
        status,
      });
    }
    expect(followed).toBe(0);
    expect(faults.requests).toHaveLength(5);
    await new Promise((resolve) => elsewhere.close(resolve));
  });

  test("says that nothing was written where nobody listens, and where no such host is", async ({ faults }) => {
    await faults.stop();
    for (const url of [faults.url, faults.url.replace("127.0.0.1", "localhost"), "http://nosuch.invalid"]) {
      const options = hasty();
      await expect(portTo(url, options).send([["SET", "k", "v"]])).rejects.toMatchObject({ code: "REDIS", delivered: "no" });
      expect(options.clock.pausesMs).toHaveLength(5);
    }
  });

  test("stops when its caller gives up: before, while it waits for an answer, while it pauses", async ({ faults }) => {
    const reason = new Error("the visitor left");
    const clock = manualClock();
    let onPause = (): void => {};
    const noticing: Clock = {
      nowMs: clock.nowMs,
      monotonicMs: clock.monotonicMs,
      after(delayMs, then) {
        if (delayMs < hastyTimeoutMs) onPause();
        return clock.after(delayMs, then);
      },
    };
    const port = portTo(faults.url, { clock: noticing, random: seededRandom(1), timeoutMs: 1e7, tryTimeoutMs: hastyTimeoutMs });
    const givenUp = { message: "redis over HTTP: given up by its caller", code: "REDIS", cause: reason };

    await expect(port.send([["INCR", "n"]], { signal: AbortSignal.abort(reason) })).rejects.toMatchObject({ ...givenUp, delivered: "no" });
    expect(faults.requests).toHaveLength(0);

    faults.next("hold-reply");
    const waiting = new AbortController();
    const sent = port.send([["INCR", "n"]], { signal: waiting.signal });
    await faults.held;
    waiting.abort(reason);
    await expect(sent).rejects.toMatchObject({ ...givenUp, delivered: "unknown" });

    faults.next("reset");
    const pausing = new AbortController();
    onPause = () => queueMicrotask(() => pausing.abort(reason));
    await expect(port.send([["INCR", "n"]], { signal: pausing.signal })).rejects.toMatchObject({ ...givenUp, delivered: "unknown" });
    expect(faults.requests).toHaveLength(2);
    expect(clock.waiting).toBe(0);
  });

  test("leaves nothing behind on a signal that outlives the call", async ({ faults }) => {
    const { signal } = new AbortController();
    faults.next("reset");
    await portTo(faults.url, hasty()).send([["PING"]], { signal });
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  describe("more than one request may hold", () => {
    test("goes into several, in order, each within the bound", async ({ faults, redis }) => {
      const port = portTo(faults.url, hasty({ maxRequestBytes: 1_000 }));
      const commands = Array.from({ length: 50 }, (_, i) => ["RPUSH", "list", `${i}:${"ü".repeat(i)}`] as const);

      const results = await port.send(commands);

      expect(results.map(({ reply }) => reply)).toEqual(commands.map((_, i) => i + 1));
      expect(await redis.lrange("list", 0, -1)).toEqual(commands.map(([, , value]) => value));
      expect(faults.requests.length).toBeGreaterThan(3);
      for (const { body } of faults.requests) expect(Buffer.byteLength(body)).toBeLessThanOrEqual(1_000);
      const most = Math.max(...faults.requests.map(({ body }) => Buffer.byteLength(body)));
      expect(most).toBeGreaterThan(900);
    });

    test("goes into several of at most 1,000 commands", async ({ faults }) => {
      await portTo(faults.url, hasty()).send(Array.from({ length: 2_001 }, () => ["PING"]));
      expect(faults.requests.map(({ body }) => JSON.parse(body).length)).toEqual([1_000, 1_000, 1]);
    });

    test("keeps the answers of those that were answered beside a request that was not", async ({ faults }) => {
      const port = portTo(faults.url, hasty({ maxRequestBytes: 30, maxTries: 1 }));
      faults.next("pass", "drop-reply", { status: 401 }, "pass");

      const results = await port.send([1, 2, 3, 4].map((n) => ["RPUSH", "list", `value ${n}`]));

      expect(results[0]).toEqual({ reply: 1 });
      expect(results[1]!.error).toMatchObject({ code: "REDIS", delivered: "unknown", reply: undefined });
      expect(results[2]!.error).toMatchObject({ code: "REDIS", delivered: "no", status: 401, reply: undefined });
      expect(results[3]).toEqual({ reply: 3 });
    });

    test("throws when none was answered, unknown if any is", async ({ faults }) => {
      const port = portTo(faults.url, hasty({ maxRequestBytes: 30, maxTries: 1 }));
      faults.next({ status: 401 }, "reset");
      await expect(port.send([1, 2].map((n) => ["RPUSH", "list", `value ${n}`]))).rejects.toMatchObject({ delivered: "unknown" });
    });

    test("refuses a single command that no request can hold, sends nothing of it, and the others", async ({ faults, redis }) => {
      const port = portTo(faults.url, hasty({ maxRequestBytes: 1_000 }));
      const results = await port.send([
        ["SET", "a", "1"],
        ["SET", "b", "x".repeat(1_000)],
        ["SET", "c", "3"],
      ]);
      expect(results[1]!.error).toMatchObject({ code: "REDIS", delivered: "no" });
      expect(await redis.mget("a", "b", "c")).toEqual(["1", null, "3"]);
    });
  });

  test("never shows what was sent, the token or the url, whatever the other side says", async ({ faults }) => {
    const secret = "secretpayload";
    const address = new URL(faults.url).host;
    const port = portTo(faults.url, hasty({ maxTries: 1 }));
    const echo = `["EVAL","return","0","${secret}"]`;
    const shown: unknown[] = [];
    for (const fault of [
      { status: 400, body: JSON.stringify({ error: `ERR failed to parse command: ${echo}` }) },
      { status: 400, body: JSON.stringify({ error: `ERR ${token}${"x".repeat(20)} is no token` }) },
      { status: 500, body: `<html>${echo}</html>` },
      { status: 200, body: echo },
      { status: 200, body: JSON.stringify([{ error: `ERR unknown command 'NOSUCH', with args beginning with: '${secret}'` }]) },
      "reset",
    ] as const) {
      faults.next(fault);
      const failed = await port.send([["NOSUCH", secret]]).then(
        ([result]) => result!.error,
        (error: unknown) => error,
      );
      expect(failed).toMatchObject({ code: "REDIS" });
      for (let error = failed; error instanceof Error; error = error.cause) shown.push(error.message, error.stack, JSON.stringify(error));
    }
    for (const text of shown) for (const word of [secret, token, address]) expect(text).not.toContain(word);
    expect(shown[0]).toBe("redis over HTTP: status 400, ERR failed to parse command:");
  });

  test("answers what it is without a request, and takes no more once it is closed", async ({ faults }) => {
    const port = portTo(faults.url);
    expect(await port.features()).toEqual({ codec: "json", allowOom: false, cluster: true, waits: false });
    expect(await port.send([])).toEqual([]);
    await port.close();
    await port.close();
    await expect(port.send([["PING"]])).rejects.toMatchObject({ code: "REDIS", delivered: "no" });
    expect(faults.requests).toEqual([]);
  });

  test.for(["timeoutMs", "tryTimeoutMs", "maxTries", "maxRequestBytes"] as const)(
    "refuses a bound that is none, by its name: %s",
    (option) => {
      for (const value of [0, -1, Number.NaN])
        expect(() => portTo("http://127.0.0.1", { [option]: value })).toThrow(expect.objectContaining({ code: "INVALID_OPTION", option }));
    },
  );
});
