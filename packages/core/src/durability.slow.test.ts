/** Waits for a replica: until it follows its master, and until it is found not to; and for Redis to start again. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Cluster, Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openPort } from "../../../test/support/open-port.ts";
import { type RedisServer, startRedis } from "../../../test/support/redis-server.ts";
import { startCluster } from "../../../test/support/redis-topologies.ts";
import { enqueue } from "./broker/enqueue.ts";
import { makeBroker } from "./broker.ts";
import { systemClock, systemRandom } from "./clock.ts";
import { checkDurability, type DurabilityOptions, durableRedis } from "./durability.ts";
import { composeTask } from "./options.ts";
import { fetchRedis } from "./redis/fetch.ts";
import { ioredisPort, ioredisSettings } from "./redis/ioredis.ts";
import { Task } from "./task.ts";

let master: RedisServer;
let replica: RedisServer;
let fsynced: RedisServer;
const clients: Redis[] = [];

beforeAll(async () => {
  master = await startRedis({ args: ["--repl-diskless-sync-delay", "0"] });
  replica = await startRedis({ args: ["--replicaof", "127.0.0.1", String(master.port)] });
  fsynced = await startRedis({ args: ["--appendonly", "yes", "--appendfsync", "always"] });
  while (!(await connect(master).info("replication")).includes("state=online"));
});
afterAll(async () => {
  for (const client of clients) client.disconnect();
  await Promise.all([master, replica, fsynced].map((server) => server.stop()));
});

function connect({ port }: Pick<RedisServer, "port">): Redis {
  const client = new Redis({ port, protocol: 2, enableOfflineQueue: true });
  client.on("error", () => {});
  clients.push(client);
  return client;
}

const parts = { clock: systemClock, random: systemRandom };
const aTask = (taskId: string) => composeTask(new Task("t", undefined, { taskId }), {}, parts);

describe("a tier of durability is looked at", () => {
  const cases: [DurabilityOptions, () => RedisServer, string | undefined][] = [
    [{ tier: "none" }, () => replica, undefined],
    [{ tier: "fsync" }, () => fsynced, undefined],
    [{ tier: "fsync" }, () => master, "expected a Redis with `appendonly yes`"],
    [{ tier: "replicated" }, () => master, undefined],
    [{ tier: "replicated", replicas: 2 }, () => master, "expected a master with at least 2 connected replica(s), it has 1"],
    [{ tier: "replicated" }, () => replica, "expected a master with at least 1"],
  ];
  for (const [options, server, expected] of cases) {
    test(`${JSON.stringify(options)}: ${expected ?? "fits"}`, async () => {
      const checked = checkDurability(ioredisPort(connect(server())), options);
      if (expected === undefined) await checked;
      else await expect(checked).rejects.toMatchObject({ code: "DURABILITY", message: expect.stringContaining(expected) });
    });
  }

  test("everysec is no fsync, and a Redis that hides its settings is not believed", async () => {
    const admin = connect(fsynced);
    await admin.config("SET", "appendfsync", "everysec");
    await expect(checkDurability(ioredisPort(admin), { tier: "fsync" })).rejects.toThrow("appendfsync always");
    await admin.config("SET", "appendfsync", "always");

    await admin.call("ACL", "SETUSER", "worker", "on", ">s3cret", "~*", "+@all", "-config");
    const worker = new Redis({ port: fsynced.port, username: "worker", password: "s3cret", protocol: 2 });
    clients.push(worker);
    await expect(checkDurability(ioredisPort(worker), { tier: "fsync" })).rejects.toThrow("grant its user +config|get");
  });

  test("over HTTP nothing can wait for replicas", async () => {
    const port = fetchRedis({ url: "http://127.0.0.1:1", token: "t" });
    await expect(checkDurability(port, { tier: "replicated" })).rejects.toThrow("over HTTP none can");
  });

  test("a tier or a count that is none is refused before any I/O", () => {
    const port = fetchRedis({ url: "http://127.0.0.1:1", token: "t" });
    expect(() => durableRedis(port, { tier: "always" as "fsync" })).toThrow("invalid tier");
    expect(() => durableRedis(port, { tier: "replicated", replicas: 0 })).toThrow("invalid replicas");
  });
});

describe("at the tier fsync", () => {
  test("what is acknowledged is there after Redis was killed and started again; at none it need not be", async () => {
    const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-fsync-"));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    const args = ["--dir", dir, "--appendonly", "yes", "--appendfsync", "always"];
    const [safe, none] = await Promise.all([startRedis({ args }), startRedis()]);
    for (const server of [safe, none]) {
      const tier = server === safe ? "fsync" : "none";
      const broker = makeBroker({ redis: durableRedis(ioredisPort(connect(server)), { tier }), ...parts });
      expect(await enqueue(broker, [aTask("a")])).toEqual([{ verdict: "enqueued" }]);
    }

    await Promise.all([safe.kill("SIGKILL"), none.kill("SIGKILL")]);
    const again = await Promise.all([startRedis({ args }), startRedis()]);
    onTestFinished(async () => void (await Promise.all([safe, none, ...again].map((server) => server.stop()))));

    const pending = (server: RedisServer) => connect(server).lrange("asynq:{default}:pending", 0, -1);
    expect(await Promise.all(again.map(pending))).toEqual([["a"], []]);
  });
});

describe.each(["redis", "ioredis"] as const)("at the tier replicated, on the port %s,", (kind) => {
  test("what is acknowledged is on the replica, the call by hash and the one by text alike", async () => {
    await connect(master).script("FLUSH");
    const port = openPort(kind, master);
    onTestFinished(() => port.close());
    const broker = makeBroker({ redis: durableRedis(port, { tier: "replicated" }), ...parts });
    const reader = connect(replica);

    for (const id of ["a", "b", "c"].map((name) => `${kind}-${name}`)) {
      expect(await enqueue(broker, [aTask(id)])).toEqual([{ verdict: "enqueued" }]);
      expect(await reader.hget(`asynq:{default}:t:${id}`, "state")).toBe("pending");
    }
  });

  test("what a frozen replica does not have is not acknowledged, and it is there once when the replica is back", async () => {
    const port = openPort(kind, master, { timeoutMs: 1_500, tryTimeoutMs: 500 });
    onTestFinished(() => port.close());
    const broker = makeBroker({ redis: durableRedis(port, { tier: "replicated" }), ...parts });
    const [frozen, thawed] = [`${kind}-frozen`, `${kind}-thawed`];
    await enqueue(broker, [aTask(`${kind}-before`)]);

    await replica.kill("SIGSTOP");
    const pending = enqueue(broker, [aTask(frozen)]);
    await expect(pending).rejects.toMatchObject({
      code: "REDIS",
      delivered: "unknown",
      reply: "NOREPLICAS",
    });
    const again = enqueue(broker, [aTask(thawed)]);
    await replica.kill("SIGCONT");

    // Repeated as the same call until the replica had it: one task, and no conflict with itself.
    expect(await again).toEqual([{ verdict: "enqueued" }]);
    const ids = await connect(replica).lrange("asynq:{default}:pending", 0, -1);
    expect(ids.filter((id) => id === thawed || id === frozen).sort()).toEqual([frozen, thawed]);
  });
});

describe("at the tier replicated", () => {
  // Waits for a Cluster: two seconds for it to serve.
  test("on a Cluster a master that lost its replica holds up what is written to it, and nothing else", async () => {
    const cluster = await startCluster(3, { replicas: 1 });
    const nodes = cluster.ports.map((port) => ({ host: "127.0.0.1", port }));
    const { options } = ioredisSettings({ kind: "cluster", nodes });
    const client = new Cluster(nodes, options).on("error", () => {});
    const port = ioredisPort(client, { managed: true, timeoutMs: 1_500, tryTimeoutMs: 500 });
    const broker = makeBroker({ redis: durableRedis(port, { tier: "replicated" }), ...parts });
    onTestFinished(async () => {
      await port.close();
      await cluster.stop();
    });
    const [first, other] = await Promise.all([0, 1].map((node) => queueOf(cluster.ports[node]!)));
    const enqueueTo = (queue: string) => enqueue(broker, [composeTask(new Task("t"), { queue }, parts)]);
    await expect.poll(() => enqueueTo(first!).catch(String)).toEqual([{ verdict: "enqueued" }]);
    expect(await enqueueTo(other!)).toEqual([{ verdict: "enqueued" }]);

    await cluster.kill(3, "SIGKILL");

    await expect(enqueueTo(first!)).rejects.toMatchObject({ delivered: "unknown", reply: "NOREPLICAS" });
    const fromMs = performance.now();
    for (let i = 0; i < 10; i++) expect(await enqueueTo(other!)).toEqual([{ verdict: "enqueued" }]);
    expect(performance.now() - fromMs).toBeLessThan(1_500);
  });
});

/** A queue whose slot this node of a Cluster has. */
async function queueOf(port: number): Promise<string> {
  const node = connect({ port });
  for (let i = 0; ; i++) if ((await node.exists(`{queue${i}}`).catch(String)) === 0) return `queue${i}`;
}
