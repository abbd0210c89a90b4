import { Redis } from "@upstash/redis";
import { expect, test, token } from "../test/gateway-test.ts";
import { startGateway } from "./start.ts";

const syncToken = async (url: string, path: string, body: unknown) => {
  const response = await fetch(url + path, { method: "POST", body: JSON.stringify(body), headers: { Authorization: `Bearer ${token}` } });
  await response.body?.cancel();
  return response.headers.get("upstash-sync-token");
};

test("the sync token changes with what may have written, and with nothing else", async ({ gateway: { url } }) => {
  const seen = [await syncToken(url, "/", ["GET", "a"])];
  const changes = async (path: string, body: unknown) => {
    const now = await syncToken(url, path, body);
    const changed = !seen.includes(now);
    expect([typeof now, changed ? undefined : now]).toEqual(["string", changed ? undefined : seen.at(-1)]);
    seen.push(now);
    return changed;
  };

  expect(await changes("/", ["GET", "a"])).toBe(false);
  expect(
    await changes("/pipeline", [
      ["get", "a"],
      ["KEYS", "*"],
    ]),
  ).toBe(false);
  expect(await changes("/", ["SET", "a", "1"])).toBe(true);
  expect(await changes("/", ["EVAL_RO", "return 1", 0])).toBe(false);
  expect(
    await changes("/pipeline", [
      ["GET", "a"],
      ["INCR", "a"],
    ]),
  ).toBe(true);
  expect(await changes("/multi-exec", [["GET", "a"]])).toBe(false);
  expect(
    await changes("/multi-exec", [
      ["GET", "a"],
      ["DEL", "a"],
    ]),
  ).toBe(true);
  expect(await changes("/", ["EVAL", "return redis.call('SET', 'a', '1') and {err = 'ERR after it wrote'}", 0])).toBe(true);
  expect(await changes("/set/a/2", undefined)).toBe(true);
  expect(await changes("/", ["FLUSHALL_LIKE"])).toBe(true);
  expect(await changes("/", ["CONFIG", "SET", "maxmemory", "1"])).toBe(false);
});

test("two gateways never have the same", async ({ gateway, redisUrl }) => {
  const other = await startGateway({ redis: redisUrl, tokens: [token], port: 0 });
  expect(await syncToken(gateway.url, "/", ["PING"])).not.toBe(await syncToken(other.url, "/", ["PING"]));
  await other.close();
});

test("@upstash/redis keeps the token of its last answer and sends it, which changes nothing", async ({ gateway }) => {
  const redis = new Redis({ url: gateway.url, token });
  await redis.set("a", "1");
  const written = redis.readYourWritesSyncToken;
  expect(written).toMatch(/./);

  expect(await redis.get("a")).toBe(1);
  expect(redis.readYourWritesSyncToken).toBe(written);
  await redis.set("a", "2");
  expect(redis.readYourWritesSyncToken).not.toBe(written);
});
