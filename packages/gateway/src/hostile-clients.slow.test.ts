/** Waits for Node's HTTP server, whose own clock says when a connection that sends nothing is over, and for thousands of connections. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import type { TestContext } from "vitest";
import { startRedis } from "../../../test/support/redis-server.ts";
import { describe, expect, send, test, token } from "../test/gateway-test.ts";

const program = fileURLToPath(new URL("../test/measured-gateway.ts", import.meta.url));

/** A gateway in a process of its own, so that what it holds is its own. */
interface Measured {
  readonly url: string;
  readonly port: number;
  /** Mebibytes in use after a full collection. */
  readonly usedMib: () => Promise<{ heap: number; rss: number; connections: number }>;
}

async function measured(
  { onTestFinished }: Pick<TestContext, "onTestFinished">,
  redisUrl: string,
  limits: Record<string, number> = {},
): Promise<Measured> {
  const child: ChildProcess = spawn(process.execPath, ["--expose-gc", program, redisUrl, token, JSON.stringify(limits)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [{ url, port }] = await once(child, "message");
  const usedMib = async () => {
    const answer = once(child, "message");
    child.send("measure");
    return (await answer)[0];
  };
  return { url, port, usedMib };
}

/** Opens connections a few at a time: what waits to be accepted has a queue of its own, 511 long. Each may do something at once. */
async function open(port: number, count: number, then: (socket: Socket) => Promise<unknown> = async () => {}): Promise<Socket[]> {
  const sockets: Socket[] = [];
  const openOne = async (): Promise<void> => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    await once(socket, "connect");
    await then(socket);
    sockets.push(socket);
  };
  while (sockets.length < count) await Promise.all(Array.from({ length: Math.min(250, count - sockets.length) }, openOne));
  return sockets;
}

// Most of that minute it waits: what else is looked at here goes on meanwhile. Its Redis is its own, since the others' is emptied before each.
test.concurrent("an answer that nobody reads is let go within a minute", async ({ onTestFinished, expect }) => {
  const server = await startRedis();
  const redis = new Redis(server.url, { protocol: 2 });
  onTestFinished(async () => {
    redis.disconnect();
    await server.stop();
  });
  const gateway = await measured({ onTestFinished }, server.url);
  await redis.set("big", Buffer.alloc(8 * 1024 * 1024, "x"));
  const before = await gateway.usedMib();
  const sockets = await open(gateway.port, 20);
  for (const socket of sockets) socket.pause().write(`GET /get/big?_token=${token} HTTP/1.1\r\nHost: a\r\n\r\n`);
  await expect.poll(async () => (await gateway.usedMib()).rss - before.rss, { timeout: 10_000 }).toBeGreaterThan(50);

  await expect
    .poll(async () => (await gateway.usedMib()).connections, { timeout: 60_000, interval: 500 })
    .toBeLessThanOrEqual(before.connections);

  const after = await gateway.usedMib();
  expect(after.heap - before.heap).toBeLessThan(20);
  for (const socket of sockets) socket.destroy();
});

describe.concurrent("meanwhile, one after the other", () => {
  test("10,000 connections are served, cost little, and leave nothing behind; those that send nothing are ended, and no more are let in", {
    concurrent: false,
  }, async ({ redisUrl, onTestFinished }) => {
    const gateway = await measured({ onTestFinished }, redisUrl);
    for (let i = 0; i < 500; i++) await send(gateway.url, "/", '["PING"]');
    const before = await gateway.usedMib();
    const request = `POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nContent-Length: 8\r\n\r\n["PING"]`;

    // Node takes its limit of open files up to what the machine allows by itself, on both sides.
    const answers = new Set<string>();
    const busy = await open(gateway.port, 9_000, async (socket) => {
      socket.write(request);
      answers.add(String((await once(socket, "data"))[0]).slice(9, 12));
    });
    expect(answers).toEqual(new Set(["200"]));
    const idle = await open(gateway.port, 990);
    // The machine says "connected" before the gateway has accepted; and where it is busy, some of the idle ones are over by now.
    await expect.poll(async () => (await gateway.usedMib()).connections, { timeout: 20_000 }).toBeGreaterThanOrEqual(9_000);
    const during = await gateway.usedMib();
    expect(during.rss - before.rss).toBeLessThan(500);

    const tooMany = await open(gateway.port, 1_500);
    await Promise.race(tooMany.map((socket) => once(socket, "close")));
    for (const socket of tooMany) socket.destroy();
    expect(await send(gateway.url, "/", '["PING"]')).toEqual([200, { result: "PONG" }]);

    const ended = await Promise.all(
      idle.map(async (socket) => {
        let text = "";
        socket.on("data", (chunk) => (text += chunk));
        if (!socket.closed) await once(socket, "close");
        return text.slice(0, 12);
      }),
    );
    expect(new Set(ended)).toEqual(new Set(["HTTP/1.1 408"]));
    for (const socket of busy) socket.destroy();
    await expect.poll(async () => (await gateway.usedMib()).connections, { timeout: 20_000 }).toBeLessThan(5);
    const after = await gateway.usedMib();
    expect(after.heap - before.heap).toBeLessThan(20);
  });

  test("deep, huge, endless and slow bodies are refused, and memory is as it was", { concurrent: false }, async ({
    redisUrl,
    onTestFinished,
  }) => {
    const gateway = await measured({ onTestFinished }, redisUrl, { bodyTimeoutMs: 500, maxBufferedBytes: 64 * 1024 * 1024 });
    const nested = (open: string, close: string, bytes: number) =>
      open.repeat(bytes / 2 / open.length) + close.repeat(bytes / 2 / open.length);
    const size = 10 * 1024 * 1024;
    const bodies: Readonly<Record<string, readonly [path: string, body: string]>> = {
      "brackets in brackets": ["/", nested("[", "]", size)],
      "objects in objects": ["/", `["SET","k",${nested('{"a":', "}", size / 4)}]`],
      "brackets that never close": ["/pipeline", "[".repeat(size)],
      "millions of objects": ["/", `["DEL"${",{}".repeat(size / 3 - 10)}]`],
      "millions of commands": ["/pipeline", `[["GET"]${',["GET"]'.repeat(size / 8 - 10)}]`],
      "millions of numbers": ["/multi-exec", `[["DEL"${",0.5".repeat(size / 4 - 10)}]]`],
      "nothing but commas": ["/", `[${",".repeat(size - 10)}]`],
      "one long string that does not end": ["/", `["SET","k","${"\\\\".repeat(size / 2 - 100)}`],
    };
    const attack = async () => {
      for (const [what, [path, body]] of Object.entries(bodies)) {
        const [status, answer] = await send(gateway.url, path, body);
        expect([what, status, Object.keys(answer as object)]).toEqual([what, 400, ["error"]]);
      }
      // A hundred bodies of a megabyte that stop before their end: some have no room, the others no time.
      const slow = await open(gateway.port, 100);
      const answers = await Promise.all(
        slow.map(async (socket) => {
          socket.write(
            `POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nContent-Length: 1048576\r\n\r\n["SET","k","${"x".repeat(1_000_000)}`,
          );
          const [answer] = await once(socket, "data");
          socket.destroy();
          return String(answer).slice(9, 12);
        }),
      );
      expect(answers.filter((status) => status !== "408" && status !== "429")).toEqual([]);
      expect(await send(gateway.url, "/", '["PING"]')).toEqual([200, { result: "PONG" }]);
    };
    await send(gateway.url, "/", '["PING"]');
    const before = await gateway.usedMib();
    await attack();
    const { rss } = await gateway.usedMib();

    for (let i = 0; i < 3; i++) await attack();

    expect((await gateway.usedMib()).rss - rss).toBeLessThan(150);
    // A body that is read no further goes with its connection, half a second later.
    await expect.poll(async () => (await gateway.usedMib()).heap - before.heap, { timeout: 10_000 }).toBeLessThan(10);
  });

  test("streams that come and go leave nothing behind", { concurrent: false }, async ({ redisUrl, redis, onTestFinished }) => {
    const gateway = await measured({ onTestFinished }, redisUrl);
    const rounds = async (count: number) => {
      for (let i = 0; i < count; i++) {
        const sockets = await open(gateway.port, 200);
        const first = sockets.map((socket) => once(socket, "data"));
        for (const [n, socket] of sockets.entries()) socket.write(`GET /subscribe/s${n % 7}?_token=${token} HTTP/1.1\r\nHost: a\r\n\r\n`);
        await Promise.all(first);
        await redis.publish("s1", "x".repeat(10_000));
        for (const socket of sockets) socket.destroy();
        await expect.poll(async () => ((await redis.pubsub("CHANNELS", "s*")) as string[]).length).toBe(0);
      }
    };
    await rounds(3);
    const before = await gateway.usedMib();

    await rounds(10);

    const after = await gateway.usedMib();
    expect(after.heap - before.heap).toBeLessThan(5);
  });
});
