import { sleep, systemClock } from "@asynqjs/core";
import { Redis } from "ioredis";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { type Sentinels, startReplicated } from "../support/redis-topologies.ts";

/** A master, two replicas and three Sentinels, to which a silent master counts as down after a second. */
export interface WatchedRedis {
  readonly sentinels: Sentinels;
  readonly uri: string;
  readonly ports: readonly number[];
  /** Where the Sentinels say that the master is: its port. */
  master(): Promise<number>;
  /** Resolves when another than this one is the master. */
  replaced(master: number): Promise<void>;
  kill(port: number, signal: NodeJS.Signals): Promise<void>;
  /** Starts a crashed one again, empty, as a replica of whoever is the master. */
  bringBack(port: number): Promise<void>;
  /** Resolves when both others follow the master. */
  whole(): Promise<void>;
  /** Makes the Sentinels replace the master though it is well. */
  failOver(): Promise<void>;
  /** Straight to a server. */
  straightTo(port: number): Redis;
  stop(): Promise<void>;
}

export async function startWatched(): Promise<WatchedRedis> {
  const redis = await startReplicated({ replicas: 2, downAfterMs: 1_000 });
  const { sentinels, toSentinel } = redis;
  const servers = new Map<number, RedisServer>([redis.master, ...redis.replicas].map((server) => [server.port, server]));
  const clients = new Map<number, Redis>();

  function clientOf(port: number): Redis {
    const client = clients.get(port) ?? new Redis(port).on("error", () => {});
    clients.set(port, client);
    return client;
  }

  async function master(): Promise<number> {
    return Number(((await toSentinel.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster")) as string[])[1]);
  }

  const known = (flag: string): Promise<boolean> =>
    redis.toSentinel.call("SENTINEL", "REPLICAS", "mymaster").then((r) => String(r).includes(flag));

  return {
    sentinels,
    ports: [...servers.keys()],
    uri: `redis-sentinel://${sentinels.ports.map((port) => `127.0.0.1:${port}`).join(",")}?master=mymaster`,
    master,
    async replaced(before) {
      while ((await master()) === before) await sleep(systemClock, 10);
    },
    kill: (port, signal) => servers.get(port)!.kill(signal),
    async bringBack(port) {
      await servers.get(port)!.stop();
      const args = ["--repl-diskless-sync-delay", "0", "--replicaof", "127.0.0.1", String(await master())];
      servers.set(port, await startRedis({ port, args }));
    },
    async whole() {
      const isWhole = async (): Promise<boolean> => {
        const info = await clientOf(await master()).info("replication");
        return (info.match(/state=online/g) ?? []).length === 2 && !(await known("s_down"));
      };
      while (!(await isWhole())) await sleep(systemClock, 50);
    },
    async failOver() {
      await toSentinel.call("SENTINEL", "FAILOVER", "mymaster");
    },
    straightTo: clientOf,
    async stop() {
      for (const client of clients.values()) client.disconnect();
      await redis.stop();
      await Promise.all([...servers.values()].map((server) => server.stop()));
    },
  };
}
