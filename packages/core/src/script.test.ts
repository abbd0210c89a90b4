import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { describe } from "vitest";
import { expect, test } from "../../../test/support/broker-test.ts";
import { useOwnRedis } from "../../../test/support/redis-test.ts";
import * as cron from "./cron/index.ts";
import * as doctor from "./doctor/index.ts";
import * as core from "./index.ts";
import * as inspector from "./inspector/index.ts";
import * as invariants from "./invariants/index.ts";
import { bytesPrelude, packBytes, unpackBytes } from "./lua/bytes.ts";
import { bind, defineScript, run, runAll, type Script, sha1 } from "./script.ts";
import { decodeVerdicts } from "./verdicts.ts";

type AnyScript = Script<string, Record<string, never>, string, Record<string, never>, unknown>;

useOwnRedis();

/** Every script there is: the operations' modules export theirs. */
const scripts = Object.values({ ...core, ...cron, ...inspector, ...invariants, ...doctor } as Record<string, unknown>).filter(
  (value): value is AnyScript => typeof value === "object" && value !== null && "lua" in value && "text" in value,
);

const echo = defineScript({
  name: "echo",
  effect: "read",
  keys: ["key"],
  args: { first: "text", second: "bytes" },
  eachKeys: ["own"],
  each: { name: "text", value: "bytes" },
  lua: /* lua */ `
    local reply = { key, first, second, item_count }
    for_each_item(value, own) do
      reply[#reply + 1] = own
      reply[#reply + 1] = value
    end
    for_each_item(name) do reply[#reply + 1] = item .. name end
    return reply
  `,
  decode: (reply) => (reply as unknown[]).map((part) => (part instanceof Uint8Array ? Buffer.from(part).toString() : part)),
});

const echoCall = bind(echo, {
  queue: "q",
  keys: { key: "{q}k" },
  args: { second: new TextEncoder().encode("2"), first: 1 },
  items: [
    { name: "a", value: new TextEncoder().encode("A"), own: "{q}1" },
    { value: new TextEncoder().encode("B"), own: "{q}2", name: "b" },
  ],
});

describe("defineScript", () => {
  test("gives Lua every key and value by its name, whatever the order they were given in", async ({ broker }) => {
    expect(await run(broker, echoCall)).toEqual(["{q}k", "1", "2", 2, "{q}1", "A", "{q}2", "B", "1a", "2b"]);
  });

  test("refuses at load a body that names what is not declared", () => {
    const script = defineScript({
      name: "x",
      effect: "read",
      keys: [],
      args: {},
      each: { a: "text" },
      lua: "for_each_item(b) do end",
      decode: () => undefined,
    });
    expect(() => script.text("raw", false)).toThrow('names "b", which is not declared');
  });

  test("links each script in exactly these ways", () => {
    const texts = scripts.map((script) => ({
      name: script.name,
      variants: (["raw", "json"] as const).flatMap((codec) => [false, true].map((allowOom) => script.text(codec, allowOom))),
    }));
    const hashes = Object.fromEntries(
      texts.map(({ name, variants }) => [name, [...new Set(variants)].map((text) => createHash("sha1").update(text).digest("hex"))]),
    );
    expect(hashes).toMatchSnapshot();
    const inFullRedis = texts.filter(({ variants }) => variants.some((text) => text.startsWith("#!lua flags=allow-oom")));
    expect(inFullRedis.map(({ name }) => name).sort()).toEqual([
      "aggregation-check",
      "delete-aggregated",
      "delete-expired",
      "delete-tasks",
      "dequeue",
      "empty-queue",
      "extend-aggregation-set",
      "extend-leases",
      "forward-due",
      "reclaim-stale-aggregation-sets",
      "release-token",
      "remove-queue",
      "replace-aggregation-set",
      "set-members-aside",
      "settle",
      "settle-and-dequeue",
    ]);
  });

  test("knows a script by the hash Redis knows it by", async ({ redis }) => {
    for (const script of scripts) expect(await redis.script("LOAD", script.text("raw", false))).toBe(await sha1(script.text("raw", false)));
  });

  test("no script makes text of a score, which would cut the token", () => {
    for (const script of scripts) expect(script.text("raw", false)).not.toMatch(/tostring\(|score\s*\.\.|\.\.\s*score/);
  });
});

describe("run", () => {
  test("sends the text where Redis does not know the hash, in pipelines too, and only of what it does not know", async ({
    broker,
    port,
    redis,
  }) => {
    await run(broker, echoCall);
    expect(await runAll(broker, [echoCall, echoCall])).toHaveLength(2);
    expect(port.sent.at(-1)!.map(([name]) => name)).toEqual(["EVALSHA", "EVALSHA"]);

    await redis.script("FLUSH");
    const outcomes = await runAll(broker, [echoCall, echoCall]);

    expect(outcomes.every(({ error }) => error === undefined)).toBe(true);
    expect(port.sent.at(-1)!.map(([name]) => name)).toEqual(["EVAL", "EVAL"]);
  });

  test("takes an answer that no version of the script gives for one that cannot be read, and keeps those of its neighbours", async ({
    broker,
  }) => {
    const verdict = (reply: string, ...items: string[]) =>
      bind(
        defineScript({
          name: "stranger",
          effect: "read",
          keys: [],
          args: {},
          each: { id: "text" },
          lua: `return "${reply}"`,
          decode: decodeVerdicts({ k: "known" }),
        }),
        { queue: "q", keys: {}, args: {}, items: items.map((id) => ({ id })) },
      );
    const unreadable = { error: { code: "REDIS", delivered: "unknown", cause: { code: "DECODE" } } };

    expect(await runAll(broker, [verdict("kk", "a", "b"), verdict("z", "a"), verdict("", "a")])).toMatchObject([
      { value: ["known", "known"] },
      unreadable,
      unreadable,
    ]);
    // One verdict too few or too many, and nobody knows whose the others are.
    expect(await runAll(broker, [verdict("k", "a", "b"), verdict("kkk", "a", "b")])).toMatchObject([unreadable, unreadable]);
  });

  test("lets a plain command ride in the same request, and answers its failure as the call's", async ({ broker, port, redis }) => {
    await run(broker, echoCall);
    await run(broker, { ...echoCall, before: [["SADD", "s", "m"]] });
    expect(port.sent.at(-1)!.map(([name]) => name)).toEqual(["SADD", "EVALSHA"]);
    expect(await redis.smembers("s")).toEqual(["m"]);

    await redis.set("text", "x");
    await expect(run(broker, { ...echoCall, before: [["SADD", "text", "m"]] })).rejects.toMatchObject({
      code: "REDIS",
      reply: "WRONGTYPE",
    });
  });
});

describe("packBytes", () => {
  const unpack = async (redis: Redis, word: string): Promise<Buffer> => {
    const asJsonCarriesIt = JSON.parse(JSON.stringify(word)) as string;
    return (await redis.callBuffer("EVAL", `${bytesPrelude} return unpack_bytes(ARGV[1])`, "0", asJsonCarriesIt)) as Buffer;
  };

  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  const random = Uint8Array.from({ length: 5_000 }, (_, i) => (i * 7919) >> (i % 9));
  const utf8 = new TextEncoder().encode(`\u{feff}grüße 世界 \u{1f389} \0 ${"ÂÃ".repeat(2_000)}`);

  test("carries any bytes through JSON text and back, short and long", async ({ redis }) => {
    for (const bytes of [
      new Uint8Array(),
      all,
      random,
      utf8,
      Uint8Array.of(0xc3),
      Uint8Array.of(0xc2, 0x80, 0xc3, 0xbf),
      new Uint8Array(1024 * 1024).map((_, i) => i * 31),
    ]) {
      expect(Buffer.compare(await unpack(redis, packBytes(bytes)), bytes)).toBe(0);
      expect(Buffer.compare(unpackBytes(packBytes(bytes))!, bytes)).toBe(0);
    }
  });

  test("sends the marked part as it is when it is UTF-8, and folds it when it is not", async ({ redis }) => {
    for (const part of [utf8, all]) {
      const bytes = Buffer.concat([all, part, random]);
      const word = packBytes({ bytes, textStart: all.length, textEnd: all.length + part.length });
      expect(Buffer.compare(await unpack(redis, word), bytes)).toBe(0);
      expect(Buffer.compare(unpackBytes(word)!, bytes)).toBe(0);
    }
    const json = new TextEncoder().encode('{"grüße":"世界"}');
    expect(packBytes(json)).toBe('0:20:{"grüße":"世界"}');
  });

  test.each([
    ...["", "1", "1:", "0:0", "a:0:", "-1:0:", "0x1:0:a", " 0:0:", "0:3:ab", "3:0:ab", "99999999999:0:a"],
    // a part that ends inside a character, and a character that is no byte
    ...["1:0:é", "0:1:é", "3:0:世", "0:0:世"],
  ])("%o is no word that it writes", (word) => {
    expect(unpackBytes(word)).toBeUndefined();
  });
});
