import { Redis } from "ioredis";
import { onTestFinished } from "vitest";
import { type RedisServer, startRedis } from "../../../test/support/redis-server.ts";
import { expect, test } from "../test/gateway-test.ts";
import { openRedisLink, type RedisLink, type Timer } from "./redis-link.ts";

/** A timer of which the test says when the one set longest ago runs out. */
function manualTimer() {
  const pending = new Map<() => void, number>();
  const timer: Timer = (afterMs, callback) => {
    pending.set(callback, afterMs);
    return () => pending.delete(callback);
  };
  const runOut = () => {
    const [callback] = pending.keys();
    if (callback !== undefined && pending.delete(callback)) callback();
  };
  return { timer, runOut, armedMs: () => [...pending.values()] };
}

async function ownRedis(): Promise<RedisServer> {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  return redis;
}

async function open(redis: string | Redis, ...rest: [log?: (level: string, text: string) => void, timer?: Timer]): Promise<RedisLink> {
  const link = openRedisLink(redis, ...rest);
  onTestFinished(() => link.close());
  await link.firstAttempt;
  return link;
}

const lost = { code: "REDIS", reason: "connection-lost" };
const notConnected = { code: "REDIS", reason: "not-connected" };

test("a batch gets one reply each, in order, and its timer is called off", async ({ redisUrl }) => {
  const { timer, armedMs } = manualTimer();
  const link = await open(redisUrl, undefined, timer);

  const replies = link.send([["SET", "a", "1"], ["INCR", "a"], ["GET"]], 1234);
  expect(armedMs()).toEqual([1234]);

  expect(await replies).toEqual([
    { kind: "status", text: "OK" },
    { kind: "integer", text: "2" },
    { kind: "error", text: "ERR wrong number of arguments for 'get' command" },
  ]);
  expect(armedMs()).toEqual([]);
});

test("the database of the URL is used, also after a reconnect", async () => {
  const redis = await ownRedis();
  const link = await open(`${redis.url}/3`);
  const admin = new Redis(`${redis.url}/3`);
  onTestFinished(() => admin.disconnect());
  await link.send([["SET", "a", "1"]], 1000);
  expect(await admin.get("a")).toBe("1");

  await admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");

  await expect.poll(() => link.send([["SET", "b", "1"]], 1000).catch(() => "down")).toEqual([{ kind: "status", text: "OK" }]);
  expect(await admin.get("b")).toBe("1");
});

test("a user and a password are used, and a wrong one is told without itself", async () => {
  const redis = await startRedis({ args: ["--requirepass", "open-sesame"] });
  onTestFinished(() => redis.stop());
  const lines: string[] = [];
  const right = await open(`redis://:open-sesame@127.0.0.1:${redis.port}`);
  const wrong = await open(`redis://:wrong-words@127.0.0.1:${redis.port}`, (_, text) => lines.push(text));

  expect(await right.send([["PING"]], 1000)).toEqual([{ kind: "status", text: "PONG" }]);
  await expect(wrong.send([["PING"]], 1000)).rejects.toMatchObject(notConnected);
  expect(lines.join()).toMatch(/WRONGPASS/);
  expect(lines.join()).not.toMatch(/sesame|wrong-words/);
});

test("a client is copied with its settings and left as it was", async ({ redisUrl }) => {
  const client = new Redis(redisUrl, { protocol: 2, lazyConnect: true });
  const link = await open(client);

  expect(await link.send([["PING"]], 1000)).toEqual([{ kind: "status", text: "PONG" }]);

  expect(client.status).toBe("wait");
  expect(client.options.enableOfflineQueue).toBe(true);
});

test("what is no Redis the gateway can speak to is refused before anything is dialled", () => {
  const wrong = expect.objectContaining({ code: "INVALID_OPTION", option: "redis" });
  for (const redis of ["", "http://secret@host", "localhost:6379", undefined, {}]) {
    expect(() => openRedisLink(redis as string)).toThrow(wrong);
    expect(() => openRedisLink(redis as string)).not.toThrow(/secret/);
  }
  expect(() => openRedisLink(new Redis({ lazyConnect: true, keyPrefix: "p:" }))).toThrow(wrong);
});

test("when Redis is killed, what waits is answered at once, what comes is refused at once, and nothing of it is sent later", async () => {
  const redis = await ownRedis();
  const lines: string[] = [];
  const link = await open(redis.url, (level, text) => lines.push(`${level} ${text}`));
  await redis.kill("SIGSTOP");
  const answers = Promise.allSettled([
    link.send([["INCR", "n"]], 60_000),
    link.send(
      [
        ["INCR", "n"],
        ["INCR", "n"],
      ],
      60_000,
    ),
  ]);

  await redis.kill("SIGKILL");

  for (const answer of await answers) expect(answer).toMatchObject({ status: "rejected", reason: lost });
  await expect(link.send([["INCR", "n"]], 60_000)).rejects.toMatchObject(notConnected);

  const again = await startRedis({ port: redis.port });
  onTestFinished(() => again.stop());
  await expect.poll(() => link.send([["GET", "n"]], 60_000).catch(() => "down")).toEqual([{ kind: "nil" }]);
  expect(lines).toEqual([expect.stringMatching(/^warn no connection to Redis \([\w ]+\); trying again$/), "info Redis is back"]);
});

test("a Redis that is away at first is found when it comes", async () => {
  const redis = await startRedis();
  await redis.stop();
  const link = await open(redis.url);
  await expect(link.send([["PING"]], 60_000)).rejects.toMatchObject(notConnected);

  const again = await startRedis({ port: redis.port });
  onTestFinished(() => again.stop());

  await expect.poll(() => link.send([["PING"]], 60_000).catch(() => "down")).toEqual([{ kind: "status", text: "PONG" }]);
});

test("a Redis that is silent for the whole time is given up with all who wait there, for a new connection", async () => {
  const redis = await ownRedis();
  const { timer, runOut } = manualTimer();
  const link = await open(redis.url, undefined, timer);
  await redis.kill("SIGSTOP");
  const slow = link.send([["PING"]], 50);
  const behind = expect(link.send([["PING"]], 60_000)).rejects.toMatchObject({ code: "REDIS" });

  runOut();

  await expect(slow).rejects.toMatchObject({ reason: "timeout", message: "Redis did not answer within 50 ms; the command may have run" });
  await behind;
  await redis.kill("SIGCONT");
  await expect.poll(() => link.send([["PING"]], 60_000).catch(() => "down")).toEqual([{ kind: "status", text: "PONG" }]);
});

test("when a command takes too long while Redis speaks, only its caller gives up, and its late replies are nobody else's", async ({
  held,
}) => {
  const { timer, runOut } = manualTimer();
  const link = await open(held.url, undefined, timer);
  // Reads pass, so half of the answer has come when the time is up.
  const slow = expect(
    link.send(
      [
        ["GET", "a"],
        ["SET", "a", "1"],
      ],
      50,
    ),
  ).rejects.toMatchObject({ reason: "timeout" });
  await held.oneWaits();
  // Redis wrote that half before it answers this.
  await held.client.ping();
  const behind = link.send([["ECHO", "mine"]], 50);

  runOut();
  await slow;
  await held.release();

  expect(await behind).toEqual([{ kind: "bulk", bytes: Buffer.from("mine") }]);
  expect(await held.client.get("a")).toBe("1");
});

test("close answers those who wait, may be repeated, and does not reconnect", async () => {
  const redis = await ownRedis();
  const lines: string[] = [];
  const link = await open(redis.url, (_, text) => lines.push(text));
  await redis.kill("SIGSTOP");
  const waiting = expect(link.send([["PING"]], 60_000)).rejects.toMatchObject(lost);

  link.close();
  link.close();
  await redis.kill("SIGCONT");

  await waiting;
  await expect(link.send([["PING"]], 60_000)).rejects.toMatchObject(notConnected);
  expect(lines).toEqual([]);
});
