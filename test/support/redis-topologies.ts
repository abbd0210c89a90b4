import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { Redis } from "ioredis";
import { findRedisBinary } from "./redis-binary.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";

/** A real Cluster of masters that share the slots, and no replicas. */
export interface RedisCluster {
  /** Of the first node; ask it for the others. */
  readonly port: number;
  readonly ports: readonly number[];
  stop(): Promise<void>;
}

/** Starts a Cluster. Redis serves it about 2 s after its nodes have met: tests on it wait for Redis' own clock. */
export async function startCluster(masters = 1): Promise<RedisCluster> {
  const args = ["--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1"];
  const nodes: RedisServer[] = [];
  for (let i = 0; i < masters; i++) nodes.push(await startRedis({ args, databases: 1 }));
  const admins = nodes.map(({ port }) => new Redis(port));
  for (const [i, admin] of admins.entries()) {
    const [from, to] = [i, i + 1].map((share) => Math.floor((16_384 * share) / masters));
    await admin.call("CLUSTER", "ADDSLOTSRANGE", from!, to! - 1);
    if (i > 0) await admin.call("CLUSTER", "MEET", "127.0.0.1", nodes[0]!.port);
  }
  const isWhole = async (admin: Redis): Promise<boolean> => {
    const info = String(await admin.call("CLUSTER", "INFO"));
    return info.includes("cluster_state:ok") && info.includes(`cluster_size:${masters}\r`);
  };
  for (const admin of admins) {
    while (!(await isWhole(admin))) await new Promise((resolve) => setTimeout(resolve, 50));
    admin.disconnect();
  }
  const ports = nodes.map(({ port }) => port);
  return {
    port: ports[0]!,
    ports,
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}

/** A Sentinel that watches one master by the name `mymaster`. */
export async function startSentinel(master: {
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
    `sentinel monitor mymaster 127.0.0.1 ${master.port} 1`,
    master.password === undefined ? "" : `sentinel auth-pass mymaster ${master.password}`,
  ];
  writeFileSync(config, `${lines.join("\n")}\n`);
  const child: ChildProcess = spawn(file, [config, "--sentinel"], {
    ...(argv0 === undefined ? {} : { argv0 }),
    env: { ...process.env, ...env },
    stdio: "ignore",
  });
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
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
