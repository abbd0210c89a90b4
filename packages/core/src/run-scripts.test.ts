/** What `runAll` sends, and what it makes of the answers: on a port that answers as it is told. */
import { describe, expect, test } from "vitest";
import { makeBroker } from "./broker.ts";
import { RedisError } from "./errors.ts";
import { refusal } from "./redis/refusal.ts";
import type { Command, CommandResult, RedisFeatures, SendOptions } from "./redis.ts";
import { bind, defineScript, run, runAll } from "./script.ts";
import { manualClock, seededRandom } from "./testing/manual-clock.ts";
import { decodeText } from "./verdicts.ts";

const text = (words: string): CommandResult => ({ reply: new TextEncoder().encode(words) });
const refused = (words: string): CommandResult => ({ error: refusal(words) });

/** A broker on a port that gives these answers, one after the other, and keeps what it was sent. */
function told(answers: readonly (readonly CommandResult[] | Error)[], features: Partial<RedisFeatures> = {}) {
  const left = [...answers];
  const sent: (readonly Command[])[] = [];
  const redis = {
    features: async () => ({ codec: "raw", allowOom: false, cluster: false, waits: false, ...features }) as const,
    async send(commands: readonly Command[]) {
      sent.push(commands);
      const answer = left.shift()!;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    close: async () => {},
  };
  return { broker: makeBroker({ redis, clock: manualClock(), random: seededRandom(1) }), sent };
}

const write = defineScript({
  name: "write",
  effect: "record",
  keys: ["key"],
  args: { value: "bytes" },
  lua: "return remember(value)",
  decode: decodeText,
});
const read = defineScript({ name: "read", effect: "read", keys: [], args: {}, lua: "return 'x'", decode: decodeText });
const writing = bind(write, { queue: "q", keys: { key: "k" }, args: { value: Uint8Array.of(1, 255) } });
const reading = bind(read, { queue: "q", keys: {}, args: {} });

/** The lane and the number that a script was sent with. */
const callOf = (command: Command): readonly [lane: string, seq: string] => [String(command[3]).split(":").at(-1)!, String(command[5])];

describe("what is sent", () => {
  test("is a script by its hash, its keys counted, the call record before its own", async () => {
    const { broker, sent } = told([[text("a"), text("b")]]);

    expect(await runAll(broker, [writing, reading])).toEqual([
      { value: "a", beforeError: undefined },
      { value: "b", beforeError: undefined },
    ]);
    expect(sent[0]).toEqual([
      [
        "EVALSHA",
        await write.sha("raw", false),
        "2",
        expect.stringMatching(/^asynq:\{q\}:js:call:[0-9a-f]{32}:0$/),
        "k",
        "1",
        "300",
        Uint8Array.of(1, 255),
      ],
      ["EVALSHA", await read.sha("raw", false), "0"],
    ]);
  });

  test("has bytes packed where JSON carries them, and marked ones bare where it does not", async () => {
    const marked = bind(write, { queue: "q", keys: { key: "k" }, args: { value: { bytes: Uint8Array.of(7), textStart: 0, textEnd: 1 } } });
    const json = told([[text("a")]], { codec: "json" });
    await runAll(json.broker, [marked]);
    expect(typeof json.sent[0]![0]!.at(-1)).toBe("string");
    expect(json.sent[0]![0]![1]).toBe(await write.sha("json", false));

    const raw = told([[text("a")]]);
    await runAll(raw.broker, [marked]);
    expect(raw.sent[0]![0]!.at(-1)).toEqual(Uint8Array.of(7));
  });

  test("names a key of the queue's slot on a Cluster, also where a script has none", async () => {
    const { broker, sent } = told([[text("a")]], { cluster: true });
    await runAll(broker, [reading]);
    expect(sent[0]![0]!.slice(2)).toEqual(["1", expect.stringContaining("{q}")]);
  });

  test("is nothing where there is no script", async () => {
    const { broker, sent } = told([]);
    expect(await runAll(broker, [])).toEqual([]);
    expect(sent).toEqual([]);
  });
});

describe("a call's lane", () => {
  test.each([
    ["answered", [text("a")], "0 2"],
    ["refused by Redis", [refused("OOM full")], "0 2"],
    ["refused on its way", [{ error: new RedisError("x", { delivered: "no" }) }], "0 2"],
    ["not answered", [{ error: new RedisError("x", { delivered: "unknown" }) }], "1 1"],
    ["not sent at all", new RedisError("x", { delivered: "no" }), "0 2"],
    ["lost with its way", new RedisError("x", { delivered: "unknown" }), "1 1"],
    ["thrown at", new Error("a bug"), "1 1"],
  ] as const)("carries another call, or never again: %s", async (_, answer, next) => {
    const { broker, sent } = told([answer as readonly CommandResult[] | Error, [text("b")]]);
    await runAll(broker, [writing]).catch(() => {});
    await runAll(broker, [writing]);
    expect(callOf(sent[0]![0]!)).toEqual(["0", "1"]);
    expect(callOf(sent[1]![0]!).join(" ")).toBe(next);
  });

  test("is taken by whatever keeps a record, also where its body looks at that itself", async () => {
    const own = defineScript({ name: "own", effect: "record-in-body", keys: [], args: {}, lua: "return 1", decode: decodeText });
    const repeated = defineScript({ name: "same", effect: "idempotent", keys: [], args: {}, lua: "return 1", decode: decodeText });
    const { broker, sent } = told([[text("a"), text("b")]]);
    await runAll(
      broker,
      [own, repeated].map((script) => bind(script, { queue: "q", keys: {}, args: {} })),
    );
    expect(sent[0]!.map((command) => command.length)).toEqual([6, 3]);
  });

  test("is not taken by what only reads", async () => {
    const { broker, sent } = told([[text("a"), text("b")]]);
    await runAll(broker, [reading, writing]);
    expect(callOf(sent[0]![1]!)).toEqual(["0", "1"]);
  });
});

describe("a script that Redis does not know", () => {
  const unknown = refused("NOSCRIPT No matching script");

  test("is sent by its text, as the same call, alone", async () => {
    const { broker, sent } = told([[text("a"), unknown], [text("b")]]);

    expect(await runAll(broker, [reading, writing])).toMatchObject([{ value: "a" }, { value: "b" }]);
    expect(sent[1]).toEqual([["EVAL", write.text("raw", false), ...sent[0]![1]!.slice(2)]]);
  });

  test("fails alone where its text gets no answer", async () => {
    const { broker } = told([[text("a"), unknown], new RedisError("away", { delivered: "unknown" })]);

    expect(await runAll(broker, [reading, writing])).toMatchObject([{ value: "a" }, { error: { message: "away", delivered: "unknown" } }]);
  });

  test("has for its text what the first try left of the call's time, its neighbours having been repeated all the while", async () => {
    const clock = manualClock();
    const timeouts: (number | undefined)[] = [];
    const { broker } = told([[unknown], [text("a")]]);
    const slow = {
      ...broker,
      clock,
      redis: {
        ...broker.redis,
        async send(commands: readonly Command[], options?: SendOptions) {
          timeouts.push(options?.timeoutMs);
          const results = await broker.redis.send(commands, options);
          await clock.advance(20_000);
          return results;
        },
      },
    };

    await runAll(slow, [writing], { timeoutMs: 30_000 });

    expect(timeouts).toEqual([30_000, 10_000]);
  });

  test("lets pass what is no failure of the way", async () => {
    const { broker } = told([[unknown], new TypeError("a bug")]);

    await expect(runAll(broker, [writing])).rejects.toThrow("a bug");
  });

  test("may have been carried out before Redis forgot it, where the first try had no answer", async () => {
    const late = { error: new RedisError("NOSCRIPT", { delivered: "unknown", reply: "NOSCRIPT" }) };
    const { broker } = told([[late], [refused("OOM full")]]);

    expect(await runAll(broker, [writing])).toMatchObject([{ error: { reply: "OOM", delivered: "unknown" } }]);
  });
});

describe("an answer", () => {
  test("that came after a later call's is an error of its own", async () => {
    const { broker } = told([[refused("STALECALL too late"), refused("OOM full")]]);

    const [stale, full] = await runAll(broker, [writing, writing]);
    expect(stale!.error).toMatchObject({ code: "STALE_CALL", message: expect.stringContaining('script "write"') });
    expect(full!.error).toMatchObject({ code: "REDIS", reply: "OOM" });
  });

  test("that cannot be read may have come of a call that was carried out", async () => {
    const { broker } = told([[{ reply: 5 }]]);

    expect(await runAll(broker, [writing])).toEqual([
      {
        error: expect.objectContaining({
          message: "redis gave an answer that cannot be read",
          delivered: "unknown",
          cause: expect.objectContaining({ code: "DECODE" }),
        }),
      },
    ]);
  });

  test("has beside it that a plain command failed before the script, which was carried out", async () => {
    const before: Command[] = [
      ["SADD", "a"],
      ["SADD", "b"],
    ];
    const answers = [[text("1"), refused("WRONGTYPE x"), text("a"), text("2"), text("3"), text("b"), text("c")]];
    const calls = [{ ...writing, before }, { ...writing, before }, reading];

    expect(await runAll(told(answers).broker, calls)).toMatchObject([
      { value: "a", beforeError: { reply: "WRONGTYPE", delivered: "unknown" } },
      { value: "b", beforeError: undefined },
      { value: "c", beforeError: undefined },
    ]);
  });

  test("of one script is its value, or thrown, what failed before it too", async () => {
    expect(await run(told([[text("a")]]).broker, writing)).toBe("a");
    await expect(run(told([[refused("OOM full")]]).broker, writing)).rejects.toMatchObject({ reply: "OOM", delivered: "no" });
    const calls = { ...writing, before: [["SADD", "a"]] as Command[] };
    await expect(run(told([[refused("WRONGTYPE x"), text("a")]]).broker, calls)).rejects.toMatchObject({ reply: "WRONGTYPE" });
  });

  test("is decoded knowing how many items were sent, one where there are none", async () => {
    const counting = defineScript({
      name: "n",
      effect: "read",
      keys: [],
      args: {},
      each: { id: "text" },
      lua: "",
      decode: (_, items) => items,
    });
    const of = (items?: { readonly id: string }[]) => bind(counting, { queue: "q", keys: {}, args: {}, ...(items && { items }) });
    const { broker, sent } = told([[text(""), text(""), text("")]]);

    expect((await runAll(broker, [of(), of([{ id: "a" }, { id: "b" }]), of([])])).map(({ value }) => value)).toEqual([1, 2, 0]);
    expect(sent[0]!.map((command) => command.slice(3))).toEqual([[], ["a", "b"], []]);
  });
});
