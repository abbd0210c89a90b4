import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Redis } from "ioredis";
import { expect } from "vitest";
import { findRedisBinary } from "./redis-binary.ts";
import { freePort, guardOf, type RedisServer, startRedis } from "./redis-server.ts";

/** A real Cluster of masters that share the slots, and no replicas. */
export interface RedisCluster {
  /** Of the first node; ask it for the others. */
  readonly port: number;
  readonly ports: readonly number[];
  /** Crashes a node and starts it again: as the same node, its keys gone. */
  restart(node: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a Cluster. Redis serves it about 2 s after its nodes have met: tests on it wait for Redis' own clock. */
export async function startCluster(masters = 1): Promise<RedisCluster> {
  const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-cluster-"));
  const start = (node: number, port?: number): Promise<RedisServer> => {
    const names = ["--cluster-announce-ip", "127.0.0.1", "--cluster-config-file", path.join(dir, `${node}.conf`)];
    return startRedis({ args: ["--cluster-enabled", "yes", ...names], databases: 1, ...(port === undefined ? {} : { port }) });
  };
  const nodes: RedisServer[] = [];
  for (let i = 0; i < masters; i++) nodes.push(await start(i));
  const ports = nodes.map(({ port }) => port);
  const admins = ports.map((port) => new Redis(port));
  for (const [i, admin] of admins.entries()) {
    const [from, to] = [i, i + 1].map((share) => Math.floor((16_384 * share) / masters));
    await admin.call("CLUSTER", "ADDSLOTSRANGE", from!, to! - 1);
    if (i > 0) await admin.call("CLUSTER", "MEET", "127.0.0.1", ports[0]!);
  }
  const isWhole = async (admin: Redis): Promise<boolean> => {
    const info = String(await admin.call("CLUSTER", "INFO"));
    return info.includes("cluster_state:ok") && info.includes(`cluster_size:${masters}\r`);
  };
  for (const admin of admins) {
    while (!(await isWhole(admin))) await new Promise((resolve) => setTimeout(resolve, 50));
    admin.disconnect();
  }
  return {
    port: ports[0]!,
    ports,
    async restart(node) {
      await nodes[node]!.kill("SIGKILL");
      await nodes[node]!.stop();
      nodes[node] = await start(node, ports[node]!);
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Sentinels that watch one master by the name `mymaster`. */
export interface Sentinels {
  readonly ports: readonly number[];
  stop(): Promise<void>;
}

/**
 * Starts three Sentinels, two of which decide. They know of each other about 2 s later; a master that is silent for half a second counts
 * as down.
 */
export async function startSentinels(master: { readonly port: number; readonly password?: string }): Promise<Sentinels> {
  const started = await Promise.all([1, 2, 3].map(() => startSentinel(master)));
  return {
    ports: started.map(({ port }) => port),
    async stop() {
      await Promise.all(started.map((sentinel) => sentinel.stop()));
    },
  };
}

/** A master, its replica in step with it, and three Sentinels that know of both and of each other. */
export interface ReplicatedRedis {
  readonly master: RedisServer;
  /** Straight to each. */
  readonly toMaster: Redis;
  readonly toReplica: Redis;
  /** To one of the three Sentinels. */
  readonly toSentinel: Redis;
  readonly sentinels: Sentinels;
  stop(): Promise<void>;
}

/** Starts them; waits for Redis to replicate, and for the Sentinels to know of each other. */
export async function startReplicated(): Promise<ReplicatedRedis> {
  const master = await startRedis({ args: ["--repl-diskless-sync-delay", "0"] });
  const replica = await startRedis({ args: ["--replicaof", "127.0.0.1", String(master.port)] });
  const [toMaster, toReplica] = [master, replica].map(({ port }) => new Redis(port).on("error", () => {})) as [Redis, Redis];
  await expect.poll(() => toReplica.info("replication"), { timeout: 20_000 }).toContain("master_link_status:up");
  const sentinels = await startSentinels(master);
  const toSentinel = new Redis(sentinels.ports[0]!);
  const known = async (): Promise<string[]> => {
    const facts = (await toSentinel.call("SENTINEL", "MASTER", "mymaster")) as string[];
    return ["num-slaves", "num-other-sentinels"].map((name) => facts[facts.indexOf(name) + 1]!);
  };
  await expect.poll(known, { timeout: 20_000 }).toEqual(["1", "2"]);
  return {
    ...{ master, toMaster, toReplica, toSentinel, sentinels },
    async stop() {
      for (const client of [toMaster, toReplica, toSentinel]) client.disconnect();
      for (const server of [sentinels, master, replica]) await server.stop();
    },
  };
}

async function startSentinel(master: {
  readonly port: number;
  readonly password?: string;
}): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const { file, argv0, env } = findRedisBinary();
  const port = await freePort();
  const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-sentinel-"));
  const config = path.join(dir, "sentinel.conf");
  const lines = [
    `port ${port}`,
    "bind 127.0.0.1",
    `dir ${dir}`,
    `sentinel monitor mymaster 127.0.0.1 ${master.port} 2`,
    "sentinel down-after-milliseconds mymaster 500",
    "sentinel failover-timeout mymaster 3000",
    master.password === undefined ? "" : `sentinel auth-pass mymaster ${master.password}`,
  ];
  writeFileSync(config, `${lines.join("\n")}\n`);
  const child: ChildProcess = spawn(file, [config, "--sentinel"], {
    ...(argv0 === undefined ? {} : { argv0 }),
    env: { ...process.env, ...env },
    stdio: "ignore",
    detached: true,
  });
  const guard = guardOf(child, dir);
  child.unref();
  const client = new Redis(port, { maxRetriesPerRequest: null });
  client.on("error", () => {});
  await client.ping();
  client.disconnect();
  return {
    port,
    async stop() {
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
      guard.kill("SIGKILL");
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
