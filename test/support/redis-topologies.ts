import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Redis } from "ioredis";
import { findRedisBinary } from "./redis-binary.ts";
import { freePort, guardOf, type RedisServer, startRedis } from "./redis-server.ts";

/** A real Cluster of masters that share the slots, each with so many replicas. */
export interface RedisCluster {
  /** Of the first node; ask it for the others. */
  readonly port: number;
  /** The masters', then their replicas', as they were at the start. */
  readonly ports: readonly number[];
  /** Sends a signal to the node, as in `ports`. */
  kill(node: number, signal: NodeJS.Signals): Promise<void>;
  /** Crashes a node and starts it again: as the same node, its keys gone. */
  restart(node: number): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a Cluster. Redis serves it about 2 s after its nodes have met: tests on it wait for Redis' own clock. With replicas a master that
 * is silent for two seconds counts as down; else, in vain, after Redis' 15.
 */
export async function startCluster(masters = 1, { replicas = 0 }: { readonly replicas?: number } = {}): Promise<RedisCluster> {
  const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-cluster-"));
  const start = (node: number, port?: number): Promise<RedisServer> => {
    const names = ["--cluster-announce-ip", "127.0.0.1", "--cluster-config-file", path.join(dir, `${node}.conf`)];
    const failover = replicas > 0 ? ["--cluster-node-timeout", "2000", "--repl-diskless-sync-delay", "0"] : [];
    return startRedis({ args: ["--cluster-enabled", "yes", ...names, ...failover], databases: 1, ...(port === undefined ? {} : { port }) });
  };
  const nodes: RedisServer[] = [];
  for (let i = 0; i < masters * (1 + replicas); i++) nodes.push(await start(i));
  const ports = nodes.map(({ port }) => port);
  const admins = ports.map((port) => new Redis(port));
  for (const [i, admin] of admins.entries()) {
    const [from, to] = [i, i + 1].map((share) => Math.floor((16_384 * share) / masters));
    if (i < masters) await admin.call("CLUSTER", "ADDSLOTSRANGE", from!, to! - 1);
    if (i > 0) await admin.call("CLUSTER", "MEET", "127.0.0.1", ports[0]!);
  }
  const isWhole = async (admin: Redis): Promise<boolean> => {
    const info = String(await admin.call("CLUSTER", "INFO"));
    return info.includes("cluster_state:ok") && info.includes(`cluster_size:${masters}\r`);
  };
  for (const admin of admins) while (!(await isWhole(admin))) await pause(50);
  for (const [i, admin] of admins.entries()) {
    if (i < masters) continue;
    const master = await admins[i % masters]!.cluster("MYID");
    while ((await admin.cluster("REPLICATE", String(master)).catch(String)) !== "OK") await pause(50);
    while (!(await admin.info("replication")).includes("master_link_status:up")) await pause(50);
  }
  const knowsReplicas = async (): Promise<boolean> =>
    ((await admins[0]!.cluster("SLOTS")) as unknown[][]).every((range) => range.length === 3 + replicas);
  while (!(await knowsReplicas())) await pause(50);
  for (const admin of admins) admin.disconnect();
  return {
    port: ports[0]!,
    ports,
    kill: (node, signal) => nodes[node]!.kill(signal),
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

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Sentinels that watch one master by the name `mymaster`. */
export interface Sentinels {
  readonly ports: readonly number[];
  stop(): Promise<void>;
}

/** What Sentinels watch. */
export interface WatchedMaster {
  readonly port: number;
  readonly password?: string;
  /** For how long it is silent when it counts as down. Default 500. */
  readonly downAfterMs?: number;
}

/** Starts three Sentinels, two of which decide. They know of each other about 2 s later. */
export async function startSentinels(master: WatchedMaster): Promise<Sentinels> {
  const started = await Promise.all([1, 2, 3].map(() => startSentinel(master)));
  return {
    ports: started.map(({ port }) => port),
    async stop() {
      await Promise.all(started.map((sentinel) => sentinel.stop()));
    },
  };
}

/** A master, its replicas in step with it, and three Sentinels that know of all of them and of each other. */
export interface ReplicatedRedis {
  readonly master: RedisServer;
  readonly replicas: readonly RedisServer[];
  /** Straight to each; to the first replica. */
  readonly toMaster: Redis;
  readonly toReplica: Redis;
  /** To one of the three Sentinels. */
  readonly toSentinel: Redis;
  readonly sentinels: Sentinels;
  stop(): Promise<void>;
}

/** Starts them; waits for Redis to replicate, and for the Sentinels to know of each other. */
export async function startReplicated(
  options: { readonly replicas?: number; readonly downAfterMs?: number } = {},
): Promise<ReplicatedRedis> {
  const { replicas: count = 1, ...sentinel } = options;
  const master = await startRedis({ args: ["--repl-diskless-sync-delay", "0"] });
  const ofReplica = ["--repl-diskless-sync-delay", "0", "--replicaof", "127.0.0.1", String(master.port)];
  const replicas = await Promise.all(Array.from({ length: count }, () => startRedis({ args: ofReplica })));
  const clients = [master, ...replicas].map(({ port }) => new Redis(port).on("error", () => {}));
  const [toMaster, ...toReplicas] = clients as [Redis, ...Redis[]];
  for (const toReplica of toReplicas) while (!(await toReplica.info("replication")).includes("master_link_status:up")) await pause(50);
  const sentinels = await startSentinels({ port: master.port, ...sentinel });
  const toSentinels = sentinels.ports.map((port) => new Redis(port));
  for (const toSentinel of toSentinels) {
    const knowsAll = async (): Promise<boolean> => {
      const facts = (await toSentinel.call("SENTINEL", "MASTER", "mymaster")) as string[];
      const [slaves, others] = ["num-slaves", "num-other-sentinels"].map((name) => facts[facts.indexOf(name) + 1]!);
      return slaves === String(count) && others === "2";
    };
    while (!(await knowsAll())) await pause(50);
  }
  return {
    ...{ master, replicas, toMaster, toReplica: toReplicas[0]!, toSentinel: toSentinels[0]!, sentinels },
    async stop() {
      for (const client of [...clients, ...toSentinels]) client.disconnect();
      for (const server of [sentinels, master, ...replicas]) await server.stop();
    },
  };
}

async function startSentinel(master: WatchedMaster): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const { file, argv0, env } = findRedisBinary();
  const port = await freePort();
  const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-sentinel-"));
  const config = path.join(dir, "sentinel.conf");
  const lines = [
    `port ${port}`,
    "bind 127.0.0.1",
    `dir ${dir}`,
    `sentinel monitor mymaster 127.0.0.1 ${master.port} 2`,
    `sentinel down-after-milliseconds mymaster ${master.downAfterMs ?? 500}`,
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
