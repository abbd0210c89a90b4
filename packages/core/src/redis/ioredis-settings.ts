import { systemRandom } from "../clock.ts";
import type { HostPort, ParsedRedis } from "./redis-uri.ts";

/** The arguments of `new Redis(options)` or `new Cluster(nodes, options)`, as plain data. */
export type IoredisSettings =
  | { readonly cluster: false; readonly options: Readonly<Record<string, unknown>> }
  | { readonly cluster: true; readonly nodes: readonly HostPort[]; readonly options: Readonly<Record<string, unknown>> };

/**
 * How an ioredis client of ours is set: nothing is kept in a buffer to be sent late, nothing is sent again but by the port, a dead
 * connection is noticed, a master that was replaced is left, and it never stops trying to come back.
 */
export function ioredisSettings(
  redis: ParsedRedis,
  { connectTimeoutMs = 5_000 }: { readonly connectTimeoutMs?: number } = {},
): IoredisSettings {
  const manners = {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: null,
    connectTimeout: connectTimeoutMs,
    // A master that is frozen does not say goodbye to who leaves it for its successor.
    disconnectTimeout: 500,
    // Redis 6.2 to 8 answer both protocols alike for what we send; 2 is the one that every proxy knows.
    protocol: 2,
    reconnectOnError: (error: Error) => error.message.startsWith("READONLY"),
    // Full jitter, so that many clients do not come back at the same moment; and no end to it.
    retryStrategy: (times: number) => Math.ceil(systemRandom.float() * Math.min(2_000, 50 * 2 ** Math.min(times, 10))),
  };
  const access = {
    ...(redis.username === undefined ? {} : { username: redis.username }),
    ...(redis.password === undefined ? {} : { password: redis.password }),
    ...(redis.tls === true ? { tls: {} } : {}),
  };
  if (redis.kind === "cluster") {
    const { retryStrategy, enableOfflineQueue, ...ofNodes } = manners;
    return {
      cluster: true,
      nodes: redis.nodes,
      options: { enableOfflineQueue, clusterRetryStrategy: retryStrategy, redisOptions: { ...ofNodes, ...access } },
    };
  }
  const db = redis.db === undefined ? {} : { db: redis.db };
  switch (redis.kind) {
    case "standalone":
      return { cluster: false, options: { ...manners, ...access, ...db, host: redis.host, port: redis.port } };
    case "socket":
      return { cluster: false, options: { ...manners, ...access, ...db, path: redis.path } };
    case "sentinel":
      return {
        cluster: false,
        options: {
          ...manners,
          ...access,
          ...db,
          sentinels: redis.sentinels,
          name: redis.master,
          failoverDetector: true,
          // One that is frozen, with its master perhaps, lets us in and says nothing: the next one is asked.
          sentinelCommandTimeout: 2_000,
          ...(redis.sentinelUsername === undefined ? {} : { sentinelUsername: redis.sentinelUsername }),
          ...(redis.sentinelPassword === undefined ? {} : { sentinelPassword: redis.sentinelPassword }),
          ...(redis.tls === true ? { enableTLSForSentinelMode: true, sentinelTLS: {} } : {}),
        },
      };
  }
}
