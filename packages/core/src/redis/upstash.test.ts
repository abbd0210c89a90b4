import { Redis } from "@upstash/redis";
import { Redis as CloudflareRedis } from "@upstash/redis/cloudflare";
import { Redis as FastlyRedis } from "@upstash/redis/fastly";
import { Redis as IoRedis } from "ioredis";
import { describe } from "vitest";
import { expect, test, token } from "../../../../test/support/gateway-test.ts";
import { type UpstashInstance, upstashRedis } from "./upstash.ts";

const pong = [{ reply: new TextEncoder().encode("PONG") }];

describe("upstashRedis", () => {
  test("takes an instance of any platform build, with and without auto-pipelining", async ({ gatewayUrl: url }) => {
    for (const instance of [
      new Redis({ url, token }),
      new Redis({ url, token, enableAutoPipelining: false }),
      new Redis({ url, token, responseEncoding: false, automaticDeserialization: false, readYourWrites: false }),
      new CloudflareRedis({ url, token }),
      new FastlyRedis({ url, token, backend: "redis" }),
    ]) {
      expect(await upstashRedis(instance).send([["PING"]])).toEqual(pong);
    }
  });

  test("sends what the instance is set up to send, once: its own retries stay out of it", async ({ faults }) => {
    const instance = new Redis({ url: faults.url, token, retry: { retries: 5, backoff: () => 0 } });

    faults.next("reset");
    await expect(upstashRedis(instance, { maxTries: 1 }).send([["PING"]])).rejects.toMatchObject({ delivered: "unknown" });

    expect(faults.requests).toHaveLength(1);
    expect(faults.requests[0]).toMatchObject({
      path: "/pipeline",
      headers: {
        authorization: `Bearer ${token}`,
        "upstash-encoding": "base64",
        "upstash-telemetry-sdk": expect.stringContaining("@upstash/redis"),
      },
      body: '[["PING"]]',
    });
  });

  test("leaves the instance as it was, and it works on beside the port and after it", async ({ gatewayUrl: url, redis }) => {
    const instance = new Redis({ url, token, responseEncoding: false, retry: { retries: 3 } });
    const { options, retry, headers, baseUrl } = (instance as unknown as { client: Record<string, object> }).client;
    const before = structuredClone({ options, headers, baseUrl, retries: (retry as { attempts: number }).attempts });

    const port = upstashRedis(instance);
    await Promise.all([port.send([["INCR", "n"]]), instance.incr("n"), port.send([["INCR", "n"]])]);
    await port.close();

    expect(await instance.get("n")).toBe(3);
    expect(await redis.get("n")).toBe("3");
    const { client } = instance as unknown as { client: Record<string, object> };
    expect({
      options: client.options,
      headers: { ...client.headers, "upstash-sync-token": undefined },
      baseUrl: client.baseUrl,
      retries: (client.retry as { attempts: number }).attempts,
    }).toEqual({ ...before, headers: { ...(before.headers as object), "upstash-sync-token": undefined } });
  });

  test("hands the sync token on, so that the instance reads what was written here", async ({ faults }) => {
    const instance = new Redis({ url: faults.url, token });
    instance.readYourWritesSyncToken = "before";
    faults.next({ status: 200, headers: { "upstash-sync-token": "after" }, body: '[{"result":"UE9ORw=="}]' });

    await upstashRedis(instance).send([["PING"]]);

    expect(faults.requests[0]!.headers["upstash-sync-token"]).toBe("before");
    expect(instance.readYourWritesSyncToken).toBe("after");

    const careless = new Redis({ url: faults.url, token, readYourWrites: false });
    await upstashRedis(careless).send([["PING"]]);
    expect(faults.requests[1]!.headers).not.toHaveProperty("upstash-sync-token");
  });

  test("heeds the instance's own signal beside the caller's", async ({ faults }) => {
    const reason = new Error("over");
    for (const signal of [AbortSignal.abort(reason), () => AbortSignal.abort(reason)]) {
      const port = upstashRedis(new Redis({ url: faults.url, token, signal }));
      for (const given of [undefined, new AbortController().signal])
        await expect(port.send([["PING"]], { signal: given })).rejects.toMatchObject({ code: "REDIS", delivered: "no", cause: reason });
    }
    const port = upstashRedis(new Redis({ url: faults.url, token, signal: new AbortController().signal }));
    await expect(port.send([["PING"]], { signal: AbortSignal.abort(reason) })).rejects.toMatchObject({ cause: reason });
    expect(await port.send([["PING"]])).toEqual(pong);
    expect(faults.requests).toHaveLength(1);
  });

  test("gives fetch the instance's cache mode and agent, and nothing it does not have", async ({ gatewayUrl: url }) => {
    const usual = globalThis.fetch;
    const inits: RequestInit[] = [];
    globalThis.fetch = (input, init) => {
      inits.push(init!);
      return usual(input, init);
    };
    try {
      const agent = { an: "agent" };
      await upstashRedis(new Redis({ url, token, cache: "no-cache", agent })).send([["PING"]]);
      await upstashRedis(new CloudflareRedis({ url, token })).send([["PING"]]);
      expect(inits[0]).toMatchObject({ cache: "no-cache", agent });
      expect(Object.keys(inits[1]!).sort()).toEqual(["body", "headers", "method", "redirect", "signal"]);
    } finally {
      globalThis.fetch = usual;
    }
  });

  test("refuses what is no such instance, or has no url or token, when it is made", async ({ gatewayUrl: url }) => {
    const ioredis = new IoRedis({ lazyConnect: true });
    const withoutToken = new CloudflareRedis({ url, token: undefined as unknown as string });
    const requester = { request: async () => ({}) };
    for (const wrong of [undefined, null, {}, ioredis, withoutToken, new Redis(requester)] as UpstashInstance[])
      expect(() => upstashRedis(wrong)).toThrow(expect.objectContaining({ code: "INVALID_OPTION", option: "redis" }));
    ioredis.disconnect();
  });
});
