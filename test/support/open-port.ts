import type { RedisPort } from "@asynqjs/core";
import { fetchRedis } from "@asynqjs/core/redis/fetch";
import { ioredisPort, ioredisSettings } from "@asynqjs/core/redis/ioredis";
import { upstashRedis } from "@asynqjs/core/redis/upstash";
import { replayingRedis } from "@asynqjs/core/testing";
import { redisPort } from "@asynqjs/worker-node/redis";
import { Redis as UpstashRedis } from "@upstash/redis";
import { Cluster, Redis } from "ioredis";

/** The ports there are: our own on Node, to one Redis and through Sentinels, those over ioredis, over HTTP; and the one that sends everything twice. */
export type PortKind = "redis" | "sentinel" | "ioredis" | "ioredis-sentinel" | "cluster" | "fetch" | "upstash" | "replaying";

/** Where the servers of a port are; which of them it uses, its kind says. */
export interface Whereabouts {
  readonly port?: number;
  readonly db?: number;
  readonly sentinels?: readonly number[];
  readonly cluster?: readonly number[];
  readonly gateway?: { readonly url: string; readonly token: string };
  /** Ports of Redis that are reached by another one, as through a NAT. */
  readonly detours?: ReadonlyMap<number, number>;
}

interface Patience {
  readonly timeoutMs?: number;
  readonly tryTimeoutMs?: number;
}

/** A port with connections of its own, set as those of a `Server` or a `Client` are. */
export function openPort(
  kind: PortKind,
  { port = 0, db = 0, detours = new Map(), ...at }: Whereabouts,
  patience: Patience = {},
): RedisPort {
  const local = (number: number): { host: string; port: number } => ({ host: "127.0.0.1", port: number });
  const natMap = Object.fromEntries(Array.from(detours, ([from, to]) => [`127.0.0.1:${from}`, local(to)]));
  const managed = { ...patience, managed: true };
  switch (kind) {
    case "fetch":
      return fetchRedis({ ...at.gateway!, ...patience });
    case "upstash":
      return upstashRedis(new UpstashRedis(at.gateway!), patience);
    case "replaying":
      return replayingRedis(openPort("ioredis", { port, db, detours }, patience));
    case "cluster": {
      const nodes = at.cluster!.map((number) => local(detours.get(number) ?? number));
      const { options } = ioredisSettings({ kind: "cluster", nodes });
      return ioredisPort(
        new Cluster(nodes, { ...options, natMap }).on("error", () => {}),
        managed,
      );
    }
    case "redis":
      return redisPort({ kind: "standalone", ...local(detours.get(port) ?? port), db }, patience);
    case "sentinel":
      // It goes where the Sentinels say: those know of detours.
      return redisPort({ kind: "sentinel", sentinels: at.sentinels!.map(local), master: "mymaster", db }, patience);
    case "ioredis-sentinel": {
      const { options } = ioredisSettings({ kind: "sentinel", sentinels: at.sentinels!.map(local), master: "mymaster", db });
      return ioredisPort(
        new Redis({ ...options, natMap }).on("error", () => {}),
        managed,
      );
    }
    case "ioredis": {
      const { options } = ioredisSettings({ kind: "standalone", ...local(detours.get(port) ?? port), db });
      return ioredisPort(
        new Redis(options).on("error", () => {}),
        managed,
      );
    }
  }
}
