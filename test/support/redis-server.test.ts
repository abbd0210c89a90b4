import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect, createServer } from "node:net";
import { Redis } from "ioredis";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { freePort, startRedis, useRedis } from "./redis-server.ts";

describe("startRedis", () => {
  test("answers on the loopback, keeps nothing on disk and has the databases asked for", async () => {
    const server = await startRedis({ databases: 20 });
    onTestFinished(server.stop);
    const redis = new Redis(`${server.url}/19`, { protocol: 2 });
    onTestFinished(() => redis.disconnect());

    expect(await redis.set("key", "value")).toBe("OK");
    expect(await redis.call("CONFIG", "GET", "save")).toEqual(["save", ""]);
    expect(await redis.call("CONFIG", "GET", "appendonly")).toEqual(["appendonly", "no"]);
    expect(await redis.call("CONFIG", "GET", "bind")).toEqual(["bind", "127.0.0.1"]);
  });

  test("passes arguments on, after its own", async () => {
    const server = await startRedis({ args: ["--appendonly", "yes", "--requirepass", "secret"] });
    onTestFinished(server.stop);
    const redis = new Redis(server.url, { protocol: 2, password: "secret" });
    onTestFinished(() => redis.disconnect());

    expect(await redis.call("CONFIG", "GET", "appendonly")).toEqual(["appendonly", "yes"]);
  });

  test("leaves neither process nor directory behind when stopped, and may be stopped again", async () => {
    const server = await startRedis();
    const dir = await directoryOf(server.url);
    expect(existsSync(dir)).toBe(true);

    await server.stop();
    await server.stop();

    expect(await isUp(server.url)).toBe(false);
    expect(existsSync(dir)).toBe(false);
  });

  test("is gone after kill SIGKILL", async () => {
    const server = await startRedis();
    onTestFinished(server.stop);

    await server.kill("SIGKILL");

    expect(await isUp(server.url)).toBe(false);
  });

  test("says why it did not start, in one line", async () => {
    const first = await startRedis();
    onTestFinished(first.stop);
    const { port } = first;

    await expect(startRedis({ port })).rejects.toThrow(
      `redis-server on port ${port} did not start: Failed listening on port ${port} (TCP), aborting.`,
    );
    await expect(startRedis({ args: ["--no-such-option", "1"] })).rejects.toThrow(
      /did not start: Bad directive or wrong number of arguments$/,
    );
  });

  test.for(["SIGKILL", "SIGTERM"] as const)("ends with its parent when that dies of %s", async (signal) => {
    const program = `
      import { startRedis } from ${JSON.stringify(new URL("./redis-server.ts", import.meta.url).href)};
      console.log((await startRedis()).url);
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void parent.kill("SIGKILL"));
    const [line] = await once(parent.stdout, "data");
    const url = String(line).trim();
    const dir = await directoryOf(url);
    expect(await isUp(url)).toBe(true);

    parent.kill(signal);

    await vi.waitFor(async () => expect(await isUp(url)).toBe(false), { timeout: 5000, interval: 10 });
    await vi.waitFor(() => expect(existsSync(dir)).toBe(false), { timeout: 5000, interval: 10 });
  });

  test("lets its parent end though it was never stopped", async () => {
    const program = `
      import { startRedis } from ${JSON.stringify(new URL("./redis-server.ts", import.meta.url).href)};
      console.log((await startRedis()).url);`;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = await once(parent.stdout, "data");
    const [code] = await once(parent, "exit");

    expect(code).toBe(0);
    await vi.waitFor(async () => expect(await isUp(String(line).trim())).toBe(false), { timeout: 5000, interval: 10 });
  });
});

describe("freePort", () => {
  test("names no port whose Cluster bus port, 10000 above, is taken", async () => {
    const taken = await freePort();
    const bus = createServer().listen(taken + 10_000, "127.0.0.1");
    await once(bus, "listening");
    onTestFinished(() => void bus.close());
    const draws = [(taken - 10_100 + 0.5) / 12_600];

    const named = await freePort(() => draws.pop() ?? Math.random());

    expect(draws).toEqual([]);
    expect(named).not.toBe(taken);
  });
});

describe("useRedis", () => {
  test("takes the Redis that ASYNQ_REDIS_URL names, and leaves it running", async () => {
    const server = await startRedis();
    onTestFinished(server.stop);
    vi.stubEnv("ASYNQ_REDIS_URL", server.url);
    onTestFinished(() => void vi.unstubAllEnvs());

    const used = await useRedis();
    await used.stop();

    expect(used.url).toBe(server.url);
    expect(await isUp(server.url)).toBe(true);
  });
});

/** Whether anything listens there: a process's number outlives it as long as nobody has waited for it. */
function isUp(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

async function directoryOf(url: string): Promise<string> {
  const redis = new Redis(url, { protocol: 2 });
  try {
    return ((await redis.call("CONFIG", "GET", "dir")) as string[])[1]!;
  } finally {
    redis.disconnect();
  }
}
