import { createServer } from "node:net";
import { Redis } from "ioredis";
import { describe } from "vitest";
import { startRedis } from "../../../../test/support/redis-server.ts";
import { expect, test as redisTest } from "../../../../test/support/redis-test.ts";
import { type TcpFaults, tcpFaults } from "../../../../test/support/tcp-faults.ts";
import { enqueue } from "../broker/enqueue.ts";
import { makeBroker } from "../broker.ts";
import { sleep, systemClock, systemRandom } from "../clock.ts";
import { composeTask } from "../options.ts";
import type { RedisPort } from "../redis.ts";
import { Task } from "../task.ts";
import { manualClock, seededRandom } from "../testing/manual-clock.ts";
import { ioredisPort } from "./ioredis.ts";
import { ioredisSettings } from "./ioredis-settings.ts";
import { parseRedisUri } from "./redis-uri.ts";

const test = redisTest.extend<{ faults: TcpFaults; managed: Redis; port: RedisPort }>({
  faults: async ({ redisUrl }, use) => {
    const faults = await tcpFaults({ port: Number(new URL(redisUrl).port) });
    await use(faults);
    await faults.stop();
  },
  managed: async ({ redisUrl, faults }, use) => {
    const settings = ioredisSettings(parseRedisUri(`redis://127.0.0.1:${faults.port}${new URL(redisUrl).pathname}`));
    const client = new Redis(settings.options);
    client.on("error", () => {});
    await use(client);
    client.disconnect();
  },
  port: async ({ managed }, use) => {
    const port = ioredisPort(managed, { managed: true });
    await use(port);
    await port.close();
  },
});

describe("ioredisPort", () => {
  test("answers bytes as they are, numbers as numbers, nil as null, lists as lists, and a refusal as a value beside its neighbours", async ({
    port,
  }) => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);

    const results = await port.send([
      ["SET", "k", all],
      ["GET", "k"],
      ["LPUSH", "k", "x"],
      ["INCR", "n"],
      ["GET", "none"],
      ["MGET", "k", "none"],
    ]);

    expect(results.map(({ reply }) => reply)).toEqual([Buffer.from("OK"), Buffer.from(all), undefined, 1, null, [Buffer.from(all), null]]);
    expect(results[2]!.error).toMatchObject({ code: "REDIS", reply: "WRONGTYPE", delivered: "no" });
  });

  test("knows what Redis can do, and asks once", async ({ port, redis }) => {
    const major = Number(/redis_version:(\d+)/.exec(await redis.info("server"))![1]);
    const features = await port.features();
    expect(features).toEqual({ codec: "raw", allowOom: major >= 7, cluster: false, waits: true });
    expect(await port.features()).toBe(features);
  });

  for (const fault of ["drop-request", "drop-reply"] as const) {
    test(`repeats a call when its connection is cut (${fault}), and the task is there once`, async ({ port, faults, redis }) => {
      const broker = makeBroker({ redis: port, clock: systemClock, random: systemRandom });
      await enqueue(broker, [composeTask(new Task("t"), { queue: "warm" }, broker)]);
      const task = composeTask(new Task("t"), { taskId: "a" }, broker);

      faults.next(fault, "EVALSHA");
      expect(await enqueue(broker, [task])).toEqual([{ verdict: "enqueued" }]);

      expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["a"]);
      expect(faults.connections).toBe(2);
    });
  }

  test("leaves a connection that stays open and never answers, and repeats the call on a new one", async ({ managed, faults, redis }) => {
    const port = ioredisPort(managed, { managed: true, tryTimeoutMs: 1_000 });
    await port.send([["PING"]]);

    faults.next("hold-reply", "SADD");
    expect(await port.send([["SADD", "s", "m"]])).toEqual([{ reply: 0 }]);

    expect(await redis.smembers("s")).toEqual(["m"]);
    expect(faults.connections).toBe(2);
  });

  test("leaves a frozen Redis once, however many calls wait for it, and repeats them when it is back", async () => {
    const clock = manualClock();
    const frozen = await startRedis();
    const client = new Redis(ioredisSettings(parseRedisUri(frozen.url)).options).on("error", () => {});
    const port = ioredisPort(client, { managed: true, clock, timeoutMs: 3_600_000 });
    await port.send([["PING"]]);
    const warnings: string[] = [];
    const onWarning = ({ name }: Error): void => void warnings.push(name);
    process.on("warning", onWarning);

    await frozen.kill("SIGSTOP");
    const calls = Promise.all(Array.from({ length: 50 }, () => port.send([["PING"]])));
    await clock.advance(3_000);
    await frozen.kill("SIGCONT");
    while (clock.waiting > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(10);
    }

    expect((await calls).map(([pong]) => String(pong!.reply))).toEqual(new Array(50).fill("PONG"));
    expect(warnings).toEqual([]);
    process.off("warning", onWarning);
    await port.close();
    await frozen.stop();
  });

  test("gives up at its deadline and says whether anything may have been written", async ({ managed, faults }) => {
    const port = ioredisPort(managed, { tryTimeoutMs: 20 });
    await port.send([["PING"]]);
    faults.next("hold-reply", "SADD");
    await expect(port.send([["SADD", "s", "m"]], { timeoutMs: 30 })).rejects.toMatchObject({ code: "REDIS", delivered: "unknown" });

    await faults.stop();
    faults.cut();
    await new Promise((resolve) => managed.once("close", resolve));
    await expect(port.send([["SADD", "s", "m"]], { timeoutMs: 30 })).rejects.toMatchObject({ code: "REDIS", delivered: "no" });
  });

  for (const [told, why] of [
    ["no", "Cluster isn't ready and enableOfflineQueue options is false"],
    ["unknown", "Too many Cluster redirections. Last error: Error: Connection is closed."],
  ] as const) {
    test(`says of a Cluster that "${why}" what is true of every command (${told}), not of the first that failed`, async ({ redis }) => {
      // A Cluster's own client with a node that is lost: it rejects as ioredis does, whatever the other nodes answer.
      const lost = {
        callBuffer: (name: string, key: string, ...words: string[]) =>
          key === "lost" ? Promise.reject(new Error(why)) : redis.callBuffer(name, key, ...words),
      };
      const port = ioredisPort(Object.setPrototypeOf({ ...lost, isCluster: true }, redis));

      await expect(port.send([["SADD", "lost", "m"]], { timeoutMs: 20 })).rejects.toMatchObject({ code: "REDIS", delivered: told });
      await expect(
        port.send(
          [
            ["SADD", "lost", "m"],
            ["SADD", "s", "m"],
          ],
          { timeoutMs: 20 },
        ),
      ).rejects.toMatchObject({ code: "REDIS", delivered: "unknown" });

      expect(await redis.smembers("s")).toEqual(["m"]);
    });
  }

  test("stops waiting when its caller gives up", async ({ port, faults }) => {
    await port.send([["PING"]]);
    faults.next("hold-reply", "SADD");
    const giveUp = new AbortController();

    const sent = port.send([["SADD", "s", "m"]], { signal: giveUp.signal });
    giveUp.abort();

    await expect(sent).rejects.toMatchObject({ code: "REDIS", delivered: "unknown" });
    await expect(port.send([["PING"]], { signal: AbortSignal.abort() })).rejects.toMatchObject({ delivered: "no" });
  });

  test("never names in an error what was sent", async ({ port, redis }) => {
    await redis.set("k", "v");
    const [wrong] = await port.send([["SADD", "k", "secret-payload"]]);
    const [unknown] = await port.send([["NOSUCH", "secret-payload"]]);
    expect(`${wrong!.error} ${unknown!.error}`).not.toContain("secret-payload");
  });

  test("leaves it unknown when the connection broke in an earlier try, though Redis refuses the next", async () => {
    let seen = 0;
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", () => (seen++ === 0 ? socket.destroy() : socket.write("-NOPERM no permissions\r\n")));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const client = new Redis({
      port,
      host: "127.0.0.1",
      protocol: 2,
      disableClientInfo: true,
      enableReadyCheck: false,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      retryStrategy: () => 1,
    });
    client.on("error", () => {});

    const results = await ioredisPort(client, { managed: true }).send([["SADD", "s", "m"]]);

    expect(results).toMatchObject([{ error: { code: "REDIS", reply: "NOPERM", delivered: "unknown" } }]);
    expect(seen).toBe(2);
    client.disconnect();
    server.close();
  });

  test("waits for a Redis that is loading, was demoted or cannot save, and refuses one that is too old", async () => {
    const answers = [
      "-LOADING Redis is loading the dataset in memory\r\n",
      "-READONLY You can't write against a read only replica.\r\n",
      "-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.\r\n",
      "$19\r\nredis_version:6.2.0\r\n",
    ];
    const old = ["$20\r\nredis_version:5.0.14\r\n"];
    for (const script of [answers, old]) {
      const server = createServer((socket) => {
        socket.on("error", () => {});
        socket.on("data", () => socket.write(script.shift() ?? "+OK\r\n"));
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const client = new Redis({
        port: (server.address() as { port: number }).port,
        host: "127.0.0.1",
        protocol: 2,
        disableClientInfo: true,
        enableReadyCheck: false,
        enableOfflineQueue: false,
      });
      client.on("error", () => {});
      const features = ioredisPort(client, { managed: true }).features();
      if (script === answers) expect(await features).toEqual({ codec: "raw", allowOom: false, cluster: false, waits: true });
      else await expect(features).rejects.toMatchObject({ code: "REDIS_VERSION", message: expect.stringContaining("5.0.14") });
      client.disconnect();
      server.close();
    }
  });

  test("waits with any number of calls for a Redis that is away, on no more listeners than one call", async ({ managed, faults }) => {
    const port = ioredisPort(managed);
    await port.send([["PING"]]);
    const away = new Promise((resolve) => managed.once("close", resolve));
    faults.cut();
    await away;

    const calls = Promise.all(Array.from({ length: 50 }, () => port.send([["PING"]])));
    for (const event of ["ready", "close", "end"]) expect(managed.listenerCount(event)).toBeLessThan(5);

    expect((await calls).map(([pong]) => String(pong!.reply))).toEqual(new Array(50).fill("PONG"));
    await port.close();
    expect(managed.listenerCount("ready")).toBe(0);
  });

  test("leaves a shared client open when it is closed, and ends one of its own", async ({ managed }) => {
    const shared = ioredisPort(managed);
    await shared.send([["PING"]]);
    await shared.close();
    await expect(shared.send([["PING"]])).rejects.toMatchObject({ code: "REDIS", delivered: "no" });
    expect(managed.status).toBe("ready");

    const own = ioredisPort(managed, { managed: true });
    await own.close();
    await new Promise((resolve) => (managed.status === "end" ? resolve(0) : managed.once("end", resolve)));
  });
});

describe("clock", () => {
  test("sleeps as long as it is told and wakes when its signal aborts, leaving nothing behind", async () => {
    const clock = manualClock();
    let woke = false;
    const slept = sleep(clock, 1_000).then(() => {
      woke = true;
    });
    await clock.advance(999);
    expect(woke).toBe(false);
    await clock.advance(1);
    await slept;

    const giveUp = new AbortController();
    const long = sleep(clock, 1e12, giveUp.signal);
    giveUp.abort();
    await long;
    await sleep(clock, 1e12, giveUp.signal);
    expect(clock.waiting).toBe(0);
    expect(seededRandom(1).float()).toBe(seededRandom(1).float());
  });
});
