/** What every port keeps to, whatever lies between it and Redis. What takes the time of foreign clocks (a restart, a failover, a slot that moves) is in `test/ports`. */
import { type Broker, bind, defineScript, type MarkedBytes, makeBroker, type Reply, run, runAll } from "@asynqjs/core";
import { seededRandom } from "@asynqjs/core/testing";
import type { Redis } from "ioredis";
import { describe, expect } from "vitest";
import type { test as brokerTest } from "./broker-test.ts";
import { losses } from "./lossy-port.ts";
import { useOwnRedis } from "./redis-test.ts";

const store = defineScript({
  name: "contract-store",
  effect: "record",
  keys: ["key"],
  args: { text: "text" },
  each: { field: "text", value: "bytes" },
  lua: /* lua */ `
    for_each_item(field, value) do redis.call("HSET", key, field, value) end
    redis.call("HSET", key, "text", text)
    return remember(tostring(item_count))
  `,
  decode: (reply) => Buffer.from(reply as Uint8Array).toString(),
});

const load = defineScript({
  name: "contract-load",
  effect: "read",
  keys: ["key"],
  args: {},
  each: { field: "text" },
  lua: /* lua */ `
    local values = {}
    for_each_item(field) do values[item] = redis.call("HGET", key, field) end
    return { values, { 1, -7, 3.99, { false, "OK", "" } } }
  `,
  decode: (reply) => reply as readonly Reply[],
});

const breaking = defineScript({
  name: "contract-refuse",
  effect: "read",
  keys: ["key"],
  args: {},
  lua: /* lua */ `return redis.error_reply("WRONGTYPE of our own")`,
  decode: () => "never",
});

/** Does again what it did before, if it is let. */
const append = defineScript({
  name: "contract-append",
  effect: "record",
  keys: ["list"],
  args: { text: "text" },
  lua: /* lua */ `return remember(tostring(redis.call("RPUSH", list, text)))`,
  decode: (reply) => Buffer.from(reply as Uint8Array).toString(),
});

const key = "asynq:{q}:contract";
const stored = (value: Uint8Array | MarkedBytes, text = "t") =>
  bind(store, { queue: "q", keys: { key }, args: { text }, items: [{ field: "f", value }] });
const loaded = (...fields: string[]) => bind(load, { queue: "q", keys: { key }, args: {}, items: fields.map((field) => ({ field })) });
const appended = (text: string, queue = "q") => bind(append, { queue, keys: { list: `asynq:{${queue}}:contract-list` }, args: { text } });
const refused = bind(breaking, { queue: "q", keys: { key }, args: {} });

async function roundTrip(broker: Broker, value: Uint8Array | MarkedBytes): Promise<Uint8Array> {
  await run(broker, stored(value));
  const [values] = await run(broker, loaded("f"));
  return (values as Uint8Array[])[0]!;
}

const all = Uint8Array.from({ length: 256 }, (_, i) => i);
const mebibyte = Uint8Array.from({ length: 1024 * 1024 }, (_, i) => (i * 2_654_435_761) >>> 24);

/** Declares what `port` of this `test` has to pass, and `lossy` of it where there is a way for it that can lose. */
export function portContract(test: typeof brokerTest, { lossy: canLose = true }: { readonly lossy?: boolean } = {}): void {
  useOwnRedis();

  describe("a port", () => {
    test("carries all 256 byte values both ways, NUL, nothing, and 1 MiB of anything", async ({ broker }) => {
      for (const value of [
        all,
        Uint8Array.of(0),
        new Uint8Array(),
        Uint8Array.of(0xc3),
        mebibyte,
        new TextEncoder().encode("é世\u{1f389}".repeat(100_000)),
      ]) {
        expect(Buffer.compare(await roundTrip(broker, value), value)).toBe(0);
      }
    });

    test("carries bytes whose text is marked, around it and inside it", async ({ broker }) => {
      const text = new TextEncoder().encode('{"grüße":"世界"}');
      const bytes = Buffer.concat([all, text, all]);
      expect(Buffer.compare(await roundTrip(broker, { bytes, textStart: 256, textEnd: 256 + text.length }), bytes)).toBe(0);
    });

    test("carries any well-formed text as keys and arguments", async ({ broker }) => {
      for (const text of ["", "a\0b", 'quotes " and \\ backslashes', "line\r\nline", "é世\u{1f389}\u{feff}"]) {
        await run(broker, stored(all, text));
        const [values] = await run(broker, loaded("text"));
        expect(Buffer.from((values as Uint8Array[])[0]!).toString()).toBe(text);
      }
    });

    test("answers numbers, nil and lists as such, and strings as bytes, those that look like a status too", async ({ broker }) => {
      const [values, rest] = await run(broker, loaded("none"));
      expect(values).toEqual([null]);
      const [one, minus, cut, [no, ok, empty]] = rest as [number, number, number, [null, Uint8Array, Uint8Array]];
      expect([one, minus, cut, no]).toEqual([1, -7, 3, null]);
      expect([Buffer.from(ok).toString(), Buffer.from(empty).toString()]).toEqual(["OK", ""]);
    });

    test("answers a refusal as the refused call's own, beside neighbours that were carried out", async ({ broker }) => {
      const outcomes = await runAll<unknown>(broker, [stored(all), refused, loaded("text")]);

      expect(outcomes[0]).toEqual({ value: "1" });
      expect(outcomes[1]!.error).toMatchObject({
        code: "REDIS",
        reply: "WRONGTYPE",
        delivered: "no",
        message: expect.stringContaining("WRONGTYPE of our own"),
      });
      expect(outcomes[2]!.error).toBeUndefined();
    });

    test("throws a refusal where the call is alone, and goes on", async ({ broker }) => {
      await expect(run(broker, refused)).rejects.toMatchObject({ code: "REDIS", reply: "WRONGTYPE", delivered: "no" });
      const [unknown, known] = await broker.redis.send([
        ["NOSUCHCOMMAND", "secret"],
        ["EXISTS", key],
      ]);
      expect(unknown!.error).toMatchObject({ code: "REDIS", reply: "ERR" });
      expect(String(unknown!.error)).not.toContain("secret");
      expect(known).toEqual({ reply: 0 });
      expect(await run(broker, stored(all))).toBe("1");
    });

    test("runs what Redis forgot, alone and among others", async ({ broker, redis }) => {
      await runAll<unknown>(broker, [stored(all), loaded("f")]);
      for (let round = 0; round < 3; round++) {
        await redis.script("FLUSH");
        expect((await runAll<unknown>(broker, [stored(all), loaded("f"), stored(all)])).map(({ error }) => error)).toEqual([
          undefined,
          undefined,
          undefined,
        ]);
        await redis.script("FLUSH");
        expect(await run(broker, stored(all))).toBe("1");
      }
    });

    test("goes on after its connections were cut", async ({ broker, redis }) => {
      await run(broker, stored(all));
      for (let round = 0; round < 3; round++) {
        await cutConnections(redis);
        expect(await run(broker, stored(all))).toBe("1");
      }
    });

    for (const loss of canLose ? losses : []) {
      test(`answers a call as the first time when it loses ${loss}, having sent the same bytes again`, async ({ lossy, clock, redis }) => {
        const broker = makeBroker({ redis: lossy.port, clock, random: seededRandom(5) });
        await run(broker, appended("first"));

        const sent = lossy.lose(loss);
        expect(await run(broker, appended("second"))).toBe("2");

        expect(await redis.lrange("asynq:{q}:contract-list", 0, -1)).toEqual(["first", "second"]);
        expect(sent().length).toBeGreaterThan(1);
        expect(new Set(sent()).size).toBe(1);
      });

      test(`answers every call of a pipeline so, over three queues, when it loses ${loss}`, async ({ lossy, clock, redis }) => {
        const broker = makeBroker({ redis: lossy.port, clock, random: seededRandom(5) });
        // Their slots are of three masters, where there are three.
        const queues = ["default", "low", "mail"];
        const pipeline = (text: string) =>
          runAll(
            broker,
            queues.map((queue) => appended(text, queue)),
          );
        await pipeline("first");

        lossy.lose(loss);
        expect(await pipeline("second")).toEqual(queues.map(() => ({ value: "2" })));

        for (const queue of queues) expect(await redis.lrange(`asynq:{${queue}}:contract-list`, 0, -1)).toEqual(["first", "second"]);
      });

      test(`answers a call that Redis had forgotten so, when it loses ${loss} of the script's text`, async ({ lossy, clock, redis }) => {
        const broker = makeBroker({ redis: lossy.port, clock, random: seededRandom(5) });
        await run(broker, appended("first"));
        await redis.script("FLUSH");

        lossy.lose(loss, "by text");
        expect(await run(broker, appended("second"))).toBe("2");

        expect(await redis.lrange("asynq:{q}:contract-list", 0, -1)).toEqual(["first", "second"]);
      });
    }

    test("sends nothing for a caller that gave up before", async ({ port, keyspace }) => {
      await expect(port.send([["SET", key, "x"]], { signal: AbortSignal.abort() })).rejects.toMatchObject({
        code: "REDIS",
        delivered: "no",
      });
      expect(await keyspace()).toEqual({});
    });

    test("knows the same of the other side each time it is asked", async ({ port }) => {
      expect(await port.features()).toBe(await port.features());
    });
  });
}

/** Each master's own client, where there are several. */
function masters(redis: Redis): Redis[] {
  return redis.isCluster ? (redis as unknown as { nodes(role: "master"): Redis[] }).nodes("master") : [redis];
}

/** Every connection but the one that says so: the port's, and the gateway's. */
async function cutConnections(redis: Redis): Promise<void> {
  for (const node of masters(redis)) {
    const admin = node.duplicate();
    admin.on("error", () => {});
    const clients = String(await admin.client("LIST")).matchAll(/id=(\d+) .* db=(\d+) /g);
    const { db = 0 } = node.options;
    const own = await admin.client("ID");
    for (const [, id, database] of clients)
      if (Number(id) !== own && Number(database) === db) await admin.client("KILL", "ID", id!).catch(() => {});
    admin.disconnect();
  }
}
