import { readFileSync } from "node:fs";
import { Redis } from "@upstash/redis";
import { Redis as Direct } from "ioredis";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type RedisServer, startRedis } from "../../../test/support/redis-server.ts";
import { token } from "../test/gateway-test.ts";
import type { Cases } from "../test/upstash-cases/case.ts";
import { hashCases, listCases, setCases, sortedSetCases } from "../test/upstash-cases/collections.ts";
import { methodsOfUpstash } from "../test/upstash-cases/methods.ts";
import { objects } from "../test/upstash-cases/objects.ts";
import { placeCases, streamCases } from "../test/upstash-cases/streams-and-places.ts";
import { keyCases, serverCases, stringCases } from "../test/upstash-cases/strings-and-keys.ts";
import { unsupported } from "../test/upstash-cases/unsupported.ts";
import { type Gateway, startGateway } from "./index.ts";

const keyspaceCases: Cases = { ...stringCases, ...hashCases, ...listCases, ...setCases, ...sortedSetCases, ...streamCases, ...placeCases };
const cases: Cases = { ...keyspaceCases, ...keyCases, ...serverCases };

/** Of its own: FLUSHALL and SCRIPT FLUSH are for all databases. */
let server: RedisServer;
let direct: Direct;
let gateway: Gateway;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis();
  direct = new Direct(server.url, { protocol: 2 });
  gateway = await startGateway({ redis: server.url, tokens: [token], port: 0 });
});

afterAll(async () => {
  await gateway.close();
  direct.disconnect();
  await server.stop();
});

beforeEach(async () => {
  await clear();
  redis = new Redis({ url: gateway.url, token, enableAutoPipelining: false, retry: { retries: 0 } });
});

async function clear(): Promise<void> {
  await direct.flushall();
  await direct.script("FLUSH");
  await direct.function("FLUSH");
}

async function seed(state: Cases[string][0]): Promise<void> {
  await clear();
  const commands = typeof state === "string" ? state.split("; ").map((words) => words.split(" ")) : state;
  for (const [name, ...args] of commands) if (name) await direct.call(name, ...args);
}

test.each(Object.entries(cases))(
  "%s works, by itself and as the client pipelines it, in a pipeline and in a transaction",
  async (name, [state, call, result]) => {
    for (const one of [redis, new Redis({ url: gateway.url, token, retry: { retries: 0 } })]) {
      await seed(state);
      expect(await call(one)).toEqual(result);
    }
    if (name === "exec") return;
    for (const several of [redis.pipeline(), redis.multi()]) {
      await seed(state);
      call(several as unknown as Redis);
      expect(await several.exec()).toEqual([result]);
    }
  },
);

test.each(Object.entries(objects))("%s", async (_, show) => {
  await show(redis);
});

test("SCAN WITHTYPE is a word of Upstash's own, and Redis refuses it", async () => {
  await expect(redis.scan(0, { withType: true })).rejects.toThrow(/ERR syntax error/);
});

test.each(Object.entries(unsupported))("%s is refused as its row says", async (_, [call, refusal]) => {
  await expect(call(redis)).rejects.toThrow(refusal);
});

test('every method of @upstash/redis has a case or a row "not supported, because" in the README, and none has both', () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const rows = [...readme.matchAll(/^\| (`.+`) \| not supported, because \S.+ \|$/gm)].flatMap(([, names]) => names!.split(", "));
  const refused = rows.map((name) => name.replaceAll("`", ""));
  const shown = [...Object.keys(cases), ...Object.keys(objects).flatMap((names) => names.split(", "))];

  expect([...shown, ...refused].sort()).toEqual(methodsOfUpstash(redis).sort());
  expect([...refused].sort()).toEqual(Object.keys(unsupported).sort());
});
