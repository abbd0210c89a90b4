import { describe, expect, test } from "vitest";
import { RedisError } from "../errors.ts";
import type { Command, CommandResult } from "../redis.ts";
import { manualClock, seededRandom } from "../testing/index.ts";
import { refusal } from "./refusal.ts";
import { type RepeatingPortOptions, repeatingPort, type Way, wayFailed } from "./repeating-port.ts";
import type { Replication } from "./replication.ts";

/** A way to nowhere: what is sent on it is answered as `write` says. */
function nowhere(write: Way["write"]): Way {
  return { cluster: false, waits: false, write, reset() {}, close() {}, listen: () => () => {} };
}

test("breaks no connection when its timer comes a little early, and then waits for a millisecond more", async () => {
  const clock = manualClock();
  const delaysMs: number[] = [];
  let resets = 0;
  const early = {
    ...clock,
    after(delayMs: number, then: () => void) {
      delaysMs.push(delayMs);
      return clock.after(delayMs - 1e-7, then);
    },
  };
  const way = { ...nowhere(() => new Promise<never>(() => {})), reset: () => void resets++ };
  const port = repeatingPort(way, { clock: early, random: seededRandom(1), tryTimeoutMs: 100 });
  const sent = port.send([["PING"]], { timeoutMs: 150 });
  const failed = expect(sent).rejects.toMatchObject({ delivered: "unknown" });

  await clock.advance(100);
  expect({ resets, delaysMs }).toEqual({ resets: 0, delaysMs: [100, expect.closeTo(1, 5)] });
  await clock.advance(1);
  expect(resets).toBe(1);

  await clock.advance(200);
  await failed;
});

test("waits for as much of ten milliseconds as chance says before its second try", async () => {
  const clock = manualClock();
  const triedAtMs: number[] = [];
  const away = nowhere(async () => {
    triedAtMs.push(clock.monotonicMs());
    throw wayFailed("not connected", "no");
  });
  const port = repeatingPort(away, { clock, random: { ...seededRandom(1), float: () => 0.25 } });
  const sent = port.send([["PING"]], { timeoutMs: 6 });
  const failed = expect(sent).rejects.toMatchObject({ delivered: "no" });

  await clock.advance(6);
  await failed;

  expect(triedAtMs).toEqual([0, 2.5]);
});

describe("close", () => {
  test("ends what is under way at once: its caller knows that it may be carried out, and no timer outlives the port", async () => {
    const clock = manualClock();
    const port = repeatingPort(
      nowhere(() => new Promise(() => {})),
      { clock },
    );
    const sent = port.send([["PING"]]);

    await port.close();

    await expect(sent).rejects.toMatchObject({
      code: "REDIS",
      message: "redis did not answer: the port is closed",
      delivered: "unknown",
    });
    expect(clock.waiting).toBe(0);
  });

  test("ends what waits for its next try: nothing is sent any more", async () => {
    const clock = manualClock();
    let tries = 0;
    const away = nowhere(async () => {
      tries++;
      throw wayFailed("not connected", "no");
    });
    const port = repeatingPort(away, { clock, random: seededRandom(1) });
    const sent = port.send([["PING"]]);
    await clock.advance(0);
    expect(tries).toBe(1);

    await port.close();

    await expect(sent).rejects.toMatchObject({ code: "REDIS", delivered: "no" });
    expect(tries).toBe(1);
    expect(clock.waiting).toBe(0);
  });
});

test("what was answered keeps its answer when its caller gives up the rest, which was refused, between two tries", async () => {
  const clock = manualClock();
  const busy = refusal("BUSY Redis is busy running a script");
  const half = nowhere(async () => [{ reply: 1 }, { error: busy }]);
  const port = repeatingPort(half, { clock, random: seededRandom(1) });
  const giveUp = new AbortController();
  const sent = port.send(
    [
      ["SADD", "k", "m"],
      ["GET", "k"],
    ],
    { signal: giveUp.signal },
  );
  await clock.advance(0);

  giveUp.abort();

  expect(await sent).toEqual([{ reply: 1 }, { error: expect.objectContaining({ code: "REDIS", delivered: "no" }) }]);
});

/** A port on a way that answers as it is told, try by try, and on which connections come and go as told. */
function portOn(tries: readonly (() => Promise<readonly CommandResult[]>)[], options: RepeatingPortOptions = {}, way: Partial<Way> = {}) {
  const clock = manualClock();
  const left = [...tries];
  const sent: { readonly commands: readonly Command[]; readonly replication: Replication; readonly atMs: number }[] = [];
  const told: string[] = [];
  const heard: Parameters<Way["listen"]>[0][] = [];
  const port = repeatingPort(
    {
      cluster: false,
      waits: true,
      write(commands, replication) {
        sent.push({ commands, replication, atMs: clock.monotonicMs() });
        return (left.length > 1 ? left.shift()! : left[0]!)();
      },
      reset: () => void told.push("reset"),
      close: () => void told.push("close"),
      listen(listeners) {
        heard.push(listeners);
        return () => void told.push("unlisten");
      },
      ...way,
    },
    { clock, random: { float: () => 1, bytes: () => new Uint8Array() }, ...options },
  );
  return { port, clock, sent, told, listeners: heard[0]! };
}

const never = () => new Promise<never>(() => {});
const answers =
  (...results: readonly CommandResult[]) =>
  async () =>
    results;
const fails = (error: unknown) => async () => {
  throw error;
};
/** What became of a call, once it is over. */
const outcomeOf = (sent: Promise<unknown>): { value?: unknown; error?: unknown } => {
  const outcome: { value?: unknown; error?: unknown } = {};
  sent.then(
    (value) => {
      outcome.value = value;
    },
    (error) => {
      outcome.error = error;
    },
  );
  return outcome;
};

describe("a try", () => {
  test("that has no answer in time is given up with its connection, and made again until the call's time is over", async () => {
    const { port, clock, sent, told } = portOn([never]);
    const outcome = outcomeOf(port.send([["PING"]], { replicas: 2 }));

    await clock.advance(2_999);
    expect([sent.length, told]).toEqual([1, []]);
    await clock.advance(1);
    expect(told).toEqual(["reset"]);
    await clock.advance(7_000);

    expect(sent.map(({ replication, atMs }) => [atMs, replication.replicas, replication.withinMs])).toEqual([
      [0, 2, 2_400],
      [3_010, 2, 2_400],
      [6_030, 2, 2_400],
      [9_070, 2, 744],
    ]);
    expect(outcome.error).toMatchObject({ code: "REDIS", message: "redis did not answer: no answer in time", delivered: "unknown" });
    expect(clock.waiting).toBe(0);
  });

  test("is given up in its own time beside others that have more, or less, and one timer is for all of them", async () => {
    const { port, clock, sent, told } = portOn([never]);
    const first = outcomeOf(port.send([["A"]], { timeoutMs: 1_000 }));
    await clock.advance(500);
    const long = outcomeOf(port.send([["B"]]));
    const short = outcomeOf(port.send([["C"]], { timeoutMs: 2_000 }));
    expect([sent.length, clock.waiting]).toEqual([3, 1]);

    await clock.advance(499);
    expect([first, told]).toEqual([{}, []]);
    await clock.advance(1);
    expect(first.error).toMatchObject({ message: "redis did not answer: no answer in time", delivered: "unknown" });
    expect([short, long, told, clock.waiting]).toEqual([{}, {}, ["reset"], 1]);

    await clock.advance(1_500);
    expect(short.error).toMatchObject({ message: "redis did not answer: no answer in time" });
    expect([long, told, sent.length]).toEqual([{}, ["reset", "reset"], 3]);
    await clock.advance(1_010);
    expect([long, told, sent.length]).toEqual([{}, ["reset", "reset", "reset"], 4]);
  });

  test("waits for no replica where none is asked for", async () => {
    const { port, sent } = portOn([answers({ reply: 1 })], { tryTimeoutMs: 100 });
    expect(await port.send([["PING"]])).toEqual([{ reply: 1 }]);
    expect(sent[0]!.replication).toEqual({ replicas: 0, withinMs: 80 });
  });

  test("that left nothing behind says so, until one did that had no answer", async () => {
    const away = wayFailed("not connected", "no");
    const only = portOn([fails(away)], { timeoutMs: 100 });
    const outcome = outcomeOf(only.port.send([["PING"]]));
    await only.clock.advance(200);
    expect(outcome.error).toMatchObject({ message: "redis did not answer: not connected", delivered: "no" });

    const after = portOn([never, fails(away)], { timeoutMs: 100, tryTimeoutMs: 50 });
    const later = outcomeOf(after.port.send([["PING"]]));
    await after.clock.advance(200);
    expect(later.error).toMatchObject({ message: "redis did not answer: not connected", delivered: "unknown" });
  });

  test("that failed by what is no error of Redis was not sent, and its text is told to nobody", async () => {
    const { port, clock } = portOn([fails(Object.assign(new Error("secret"), { code: "EPIPE" }))], { timeoutMs: 1 });
    const outcome = outcomeOf(port.send([["PING"]]));
    await clock.advance(5);
    expect(outcome.error).toMatchObject({ message: "redis did not answer: not sent (EPIPE)", delivered: "no" });
  });

  test("is over when its connection closes", async () => {
    const { port, clock, listeners } = portOn([never, answers({ reply: 1 })]);
    const outcome = outcomeOf(port.send([["PING"]]));
    await clock.advance(0);
    listeners.onClose();
    await clock.advance(20);
    expect(outcome.value).toEqual([{ reply: 1 }]);

    const last = portOn([never], { timeoutMs: 5 });
    const failed = outcomeOf(last.port.send([["PING"]]));
    await last.clock.advance(0);
    last.listeners.onClose();
    await last.clock.advance(0);
    expect(failed.error).toMatchObject({
      message: "redis did not answer: the connection closed before the answer came",
      delivered: "unknown",
    });
  });
});

describe("between two tries", () => {
  test("pauses get longer, up to half a second, and end with the call's time", async () => {
    const { port, clock, sent } = portOn([fails(wayFailed("not connected", "no"))], { timeoutMs: 3_000 });
    const outcome = outcomeOf(port.send([["PING"]]));
    await clock.advance(5_000);

    const at = sent.map(({ atMs }) => atMs);
    expect(at.slice(1).map((atMs, i) => atMs - at[i]!)).toEqual([10, 20, 40, 80, 160, 320, 500, 500, 500, 500]);
    expect(outcome.error).toMatchObject({ delivered: "no" });
  });

  test("a connection that is there again is tried at once", async () => {
    const { port, clock, listeners } = portOn([fails(wayFailed("not connected", "no")), answers({ reply: 1 })], {
      random: { float: () => 0.9, bytes: () => new Uint8Array() },
    });
    const outcome = outcomeOf(port.send([["PING"]]));
    await clock.advance(0);
    expect(clock.waiting).toBe(1);
    listeners.onReady();
    await clock.advance(0);
    expect([outcome.value, clock.waiting]).toEqual([[{ reply: 1 }], 0]);
  });

  test("a call has its own time, if it says so", async () => {
    const { port, clock, sent } = portOn([fails(wayFailed("not connected", "no"))]);
    const outcome = outcomeOf(port.send([["PING"]], { timeoutMs: 15 }));
    await clock.advance(20);
    expect([sent.length, outcome.error]).toMatchObject([2, { delivered: "no" }]);
  });

  test("what was answered is not asked again", async () => {
    const busy = { error: refusal("BUSY script") };
    const { port, clock, sent } = portOn([answers({ reply: 1 }, busy, busy), answers({ reply: 2 }, busy), answers({ reply: 3 })]);
    const outcome = outcomeOf(port.send([["A"], ["B"], ["C"]]));
    await clock.advance(100);

    expect(sent.map(({ commands }) => commands)).toEqual([[["A"], ["B"], ["C"]], [["B"], ["C"]], [["C"]]]);
    expect(outcome.value).toEqual([{ reply: 1 }, { reply: 2 }, { reply: 3 }]);
  });

  test("a refusal that lasts to the end is the answer, and may have been carried out if a try before had none", async () => {
    const busy = { error: refusal("BUSY script") };
    const { port, clock } = portOn([answers(busy)], { timeoutMs: 50 });
    const outcome = outcomeOf(port.send([["A"]]));
    await clock.advance(100);
    expect(outcome.value).toMatchObject([{ error: { reply: "BUSY", delivered: "no" } }]);

    const after = portOn([never, answers(busy)], { timeoutMs: 100, tryTimeoutMs: 50 });
    const later = outcomeOf(after.port.send([["A"]]));
    await after.clock.advance(200);
    expect(later.value).toMatchObject([{ error: { reply: "BUSY", delivered: "unknown" } }]);
  });

  test("a refusal of the whole way is told in the end, rather than that time is over", async () => {
    const tooFew = new RedisError("redis refused: NOREPLICAS", { delivered: "unknown", reply: "NOREPLICAS" });
    const { port, clock } = portOn([fails(tooFew), never], { timeoutMs: 100, tryTimeoutMs: 60 });
    const outcome = outcomeOf(port.send([["A"]]));
    await clock.advance(200);
    expect(outcome.error).toMatchObject({ message: "redis refused: NOREPLICAS", reply: "NOREPLICAS", delivered: "unknown" });
  });
});

describe("a caller that gives up", () => {
  test("is told so at once, and that it may be carried out", async () => {
    const { port, clock, sent } = portOn([never]);
    const giveUp = new AbortController();
    const outcome = outcomeOf(port.send([["PING"]], { signal: giveUp.signal }));
    await clock.advance(0);
    giveUp.abort(Object.assign(new Error("why"), { code: "WHY" }));
    await clock.advance(0);

    expect(outcome.error).toMatchObject({ message: "redis did not answer: given up by its caller (WHY)", delivered: "unknown" });
    expect([sent.length, clock.waiting]).toEqual([1, 0]);
  });

  test("before it began sends nothing", async () => {
    const { port, sent } = portOn([answers({ reply: 1 })]);
    await expect(port.send([["PING"]], { signal: AbortSignal.abort() })).rejects.toMatchObject({
      message: "redis did not answer: given up by its caller",
      delivered: "no",
    });
    expect(sent).toEqual([]);
  });

  test("leaves no listener behind, nor does one that was answered or waited", async () => {
    const counts: number[] = [];
    const count =
      (by: number) =>
      (type: string): void =>
        void counts.push(type === "abort" ? by : Number.NaN);
    const watched = { aborted: false, addEventListener: count(1), removeEventListener: count(-1) } as unknown as AbortSignal;
    const { port, clock } = portOn([fails(wayFailed("not connected", "no")), answers({ reply: 1 })]);
    const outcome = outcomeOf(port.send([["PING"]], { signal: watched }));
    await clock.advance(20);

    expect(outcome.value).toEqual([{ reply: 1 }]);
    expect(counts).toEqual([1, -1, 1, -1, 1, -1]);
  });
});

describe("a port", () => {
  const info = (text: string) => answers({ reply: new TextEncoder().encode(text) });

  test.each([
    ["6.2.0", false],
    ["6.10.1", false],
    ["7.0.15", true],
    ["10.0.0", true],
  ])("works with Redis %s, and knows whether scripts may run while it is full: %s", async (version, allowOom) => {
    const { port, sent } = portOn([info(`# Server\r\nredis_version:${version}\r\nredis_mode:standalone`)], {}, { cluster: true });
    const features = await port.features();
    expect(features).toEqual({ codec: "raw", allowOom, cluster: true, waits: true });
    expect(await port.features()).toBe(features);
    expect(sent.map(({ commands }) => commands)).toEqual([[["INFO", "server"]]]);
  });

  test.each([
    ["6.0.16", info("redis_version:6.0.16\r\n")],
    ["6.1.9", info("redis_version:6.1.9\r\n")],
    ["5.12.0", info("redis_version:5.12.0\r\n")],
    ["of unknown version", info("something else")],
    ["of unknown version", answers({ reply: 5 })],
  ])("refuses Redis %s", async (found, answer) => {
    await expect(portOn([answer]).port.features()).rejects.toMatchObject({
      code: "REDIS_VERSION",
      message: `Redis ${found} is too old: asynqjs needs 6.2 or newer`,
    });
  });

  test("says why it could not look", async () => {
    await expect(portOn([answers({ error: refusal("NOAUTH no") })]).port.features()).rejects.toMatchObject({ reply: "NOAUTH" });
  });

  test("is closed once: nothing is sent, and nobody listened to, any more", async () => {
    const { port, sent, told } = portOn([answers({ reply: 1 })]);
    await port.close();
    await port.close();
    expect(told).toEqual(["unlisten", "close"]);
    await expect(port.send([["PING"]])).rejects.toMatchObject({ message: "redis did not answer: the port is closed", delivered: "no" });
    expect(sent).toEqual([]);
  });
});

test.each([
  [undefined, "redis did not answer: x"],
  [new Error("secret"), "redis did not answer: x"],
  [Object.assign(new Error("secret"), { code: 5 }), "redis did not answer: x"],
  [{ code: "ESECRET" }, "redis did not answer: x"],
  [Object.assign(new Error("secret"), { code: "ECONNRESET" }), "redis did not answer: x (ECONNRESET)"],
])("of %o nothing is told but its code", (cause, message) => {
  expect(wayFailed("x", "no", cause).message).toBe(message);
});
