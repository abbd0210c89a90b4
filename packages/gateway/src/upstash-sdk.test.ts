import { Redis, type RedisConfigNodejs } from "@upstash/redis";
import { useOwnRedis } from "../../../test/support/redis-test.ts";
import { expect, test, token } from "../test/gateway-test.ts";

useOwnRedis();

const settings: Record<string, Partial<RedisConfigNodejs>> = {
  "as it comes": {},
  "without retries": { retry: { retries: 0 } },
  "without its own JSON": { automaticDeserialization: false, retry: { retries: 0 } },
  "without auto pipelining, telemetry and sync token": {
    enableAutoPipelining: false,
    enableTelemetry: false,
    readYourWrites: false,
    retry: { retries: 0 },
  },
  "without base64": { responseEncoding: false, retry: { retries: 0 } },
};

for (const [name, config] of Object.entries(settings)) {
  test(`@upstash/redis ${name} works`, async ({ gateway }) => {
    const redis = new Redis({ url: gateway.url, token, ...config });

    expect(await redis.set("text", "grüße \0 😀")).toBe("OK");
    expect(await redis.get("text")).toBe("grüße \0 😀");
    expect(await redis.set("ok", "OK")).toBe("OK");
    expect(await redis.get("ok")).toBe("OK");
    expect(await redis.get("none")).toBeNull();
    expect(await redis.mget("ok", "none", "text")).toEqual(["OK", null, "grüße \0 😀"]);
    expect(await redis.hset("hash", { a: "x", b: "y" })).toBe(2);
    expect(await redis.hget("hash", "b")).toBe("y");
    expect(await redis.zadd("z", { score: 1, member: "one" }, { score: 2, member: "two" })).toBe(2);
    expect(await redis.ping()).toBe("PONG");
    expect(await redis.eval("return {KEYS[1], ARGV[1], 3.99, {'OK'}}", ["k"], ["v"])).toEqual(["k", "v", 3, ["OK"]]);
    expect(await redis.pipeline().set("a", "b").get("a").strlen("a").exec()).toEqual(["OK", "b", 1]);
    expect(await redis.multi().set("a", "c").get("a").exec()).toEqual(["OK", "c"]);
  });

  test(`@upstash/redis ${name} reports what Redis refuses`, async ({ gateway }) => {
    const redis = new Redis({ url: gateway.url, token, ...config });
    await redis.set("text", "a");

    await expect(redis.lpush("text", "b")).rejects.toThrow(/WRONGTYPE/);
    await expect(redis.evalsha("0".repeat(40), [], [])).rejects.toThrow(/NOSCRIPT/);
    await expect(redis.multi().set("x", "y").eval("not lua", [], []).exec()).rejects.toThrow(/ERR|script/i);
    await expect(new Redis({ url: gateway.url, token: "other", ...config }).get("a")).rejects.toThrow(/WRONGPASS/);
  });
}

test("@upstash/redis makes an object of a JSON value, and of a script its first EVAL and then EVALSHA", async ({
  gateway,
  redis: direct,
}) => {
  const redis = new Redis({ url: gateway.url, token });
  await redis.set("json", { a: [1, true, null] });
  expect(await redis.get("json")).toEqual({ a: [1, true, null] });
  await redis.hset("hash", { a: "x", b: 2 });
  expect(await redis.hgetall("hash")).toEqual({ a: "x", b: 2 });

  await direct.script("FLUSH");
  const script = redis.createScript<string>("return 'v' .. ARGV[1]");
  expect([await script.exec([], ["1"]), await script.exec([], ["2"])]).toEqual(["v1", "v2"]);
  expect(await direct.script("EXISTS", (script as unknown as { sha1: string }).sha1)).toEqual([1]);
});

test("many calls of @upstash/redis at once go as one pipeline and each gets its own answer", async ({ gateway }) => {
  const redis = new Redis({ url: gateway.url, token });
  const values = await Promise.all(Array.from({ length: 300 }, (_, i) => redis.echo(`v${i}`)));
  expect(values).toEqual(Array.from({ length: 300 }, (_, i) => `v${i}`));
});
