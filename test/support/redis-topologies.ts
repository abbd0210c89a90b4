import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { Redis } from "ioredis";
import { findRedisBinary } from "./redis-binary.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";

/** A Cluster of one node that holds all slots. Redis serves it about 2 s after it has them: tests on it belong into `*.slow.test.ts`. */
export async function startCluster(): Promise<RedisServer> {
  const node = await startRedis({ args: ["--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1"], databases: 1 });
  const admin = new Redis(node.port);
  await admin.call("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
  while (!String(await admin.call("CLUSTER", "INFO")).includes("cluster_state:ok")) await new Promise((resolve) => setTimeout(resolve, 50));
  admin.disconnect();
  return node;
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
