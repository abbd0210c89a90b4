import type { Socket } from "node:net";
import { stayConnected } from "@asynqjs/core/redis/ioredis";
import { Redis, type RedisOptions } from "ioredis";
import { type Command, encodeCommands } from "./command.ts";
import { GatewayOptionError, NoAnswerError } from "./errors.ts";
import { type Reply, ReplyReader } from "./reply.ts";
import { openSubscriptions, type Subscriptions } from "./subscriptions.ts";

/** One connection to Redis that all requests share. Nothing waits in it for a connection, and nothing is sent twice. */
export interface RedisLink {
  /**
   * Sends commands in one piece, with nobody else's between them, and answers one reply each, in order.
   *
   * @throws {NoAnswerError} there is no connection, it broke, or `timeoutMs` passed first. Never later than that.
   */
  send(commands: readonly Command[], timeoutMs: number): Promise<Reply[]>;
  /** Settles when the first attempt to connect ended, well or not; so a caller may wait for Redis without hanging on it. */
  readonly firstAttempt: Promise<void>;
  /** What is published in Redis, over one more connection, which the first subscriber opens. */
  readonly subscriptions: Subscriptions;
  /** Ends the connections. May be repeated. Requests that still wait are answered with a {@link NoAnswerError}. */
  close(): void;
}

/** What the gateway tells its operator: never a command, a reply or a token. */
export type GatewayLog = (level: "info" | "warn", text: string) => void;

/** Calls back once after so many milliseconds, unless the returned function is called first. */
export type Timer = (afterMs: number, callback: () => void) => () => void;

interface Batch {
  readonly size: number;
  readonly replies: Reply[];
  readonly resolve: (replies: Reply[]) => void;
  readonly reject: (error: NoAnswerError) => void;
}

/** The machine's timer. */
export const nodeTimer: Timer = (afterMs, callback) => {
  const handle = setTimeout(callback, afterMs);
  return () => clearTimeout(handle);
};

/**
 * Opens a connection and keeps it: ioredis connects, authenticates, follows Sentinel and reconnects; commands and replies go past its queues
 * and its parser, which cannot tell a status from a string and rounds integers.
 *
 * `redis` is a URL (`redis://`, `rediss://`), the path of a unix socket, or a client of which only the settings are used.
 *
 * @throws {GatewayOptionError} `redis` is none of these, a Cluster, or a client with a `keyPrefix`.
 */
export function openRedisLink(redis: string | Redis, log: GatewayLog = () => {}, timer: Timer = nodeTimer): RedisLink {
  const client = makeClient(redis);
  // A promise of ioredis may never settle when the connection breaks, so each has its time.
  const subscriptions = openSubscriptions(() => client.duplicate({ autoResubscribe: false, commandTimeout: 5_000, keepAlive: 30_000 }));
  const waiting: Batch[] = [];
  let socket: Socket | undefined;
  let bytesRead = 0;
  let failing = false;
  let closed = false;
  let reason = "closed by Redis";

  client.on("ready", () => {
    const stream = client.stream as Socket;
    const reader = new ReplyReader();
    // The handshake is answered, so nothing that ioredis sent is outstanding: from here on every reply is to one of our batches.
    stream.removeAllListeners("data");
    stream.on("data", (chunk: Buffer) => {
      bytesRead += chunk.length;
      try {
        for (const reply of reader.push(chunk)) accept(reply);
      } catch (error) {
        stream.destroy(error as Error);
      }
    });
    stream.once("close", () => {
      socket = undefined;
      const error = new NoAnswerError("connection-lost", "the connection to Redis broke before the answer; the command may have run");
      for (const batch of waiting.splice(0)) batch.reject(error);
    });
    socket = stream;
    if (failing) log("info", "Redis is back");
    failing = false;
    reason = "closed by Redis";
  });
  client.on("error", (error: NodeJS.ErrnoException) => {
    reason = error.code ?? error.message;
  });
  client.on("close", () => {
    if (!failing && !closed) log("warn", `no connection to Redis (${reason}); trying again`);
    failing = true;
  });
  const letGo = stayConnected(client);
  const firstAttempt = client.connect().catch(() => {});

  function accept(reply: Reply): void {
    const batch = waiting[0];
    if (batch === undefined) throw new Error("Redis sent a reply that nobody asked for");
    batch.replies.push(reply);
    if (batch.replies.length < batch.size) return;
    waiting.shift();
    batch.resolve(batch.replies);
  }

  function send(commands: readonly Command[], timeoutMs: number): Promise<Reply[]> {
    const stream = socket;
    if (stream === undefined || stream.destroyed || !stream.writable) {
      return Promise.reject(new NoAnswerError("not-connected", "no connection to Redis; the command was not sent"));
    }
    return new Promise((resolve, reject) => {
      const bytesReadBefore = bytesRead;
      const cancel = timer(timeoutMs, () => {
        reject(new NoAnswerError("timeout", `Redis did not answer within ${timeoutMs} ms; the command may have run`));
        // Not a byte in all that time: Redis hangs or the network swallows. Whoever waits would wait in vain; a new connection may do better.
        if (bytesRead === bytesReadBefore) stream.destroy();
      });
      waiting.push({
        size: commands.length,
        replies: [],
        resolve: (replies) => {
          cancel();
          resolve(replies);
        },
        reject: (error) => {
          cancel();
          reject(error);
        },
      });
      stream.write(encodeCommands(commands));
    });
  }

  function close(): void {
    closed = true;
    subscriptions.close();
    letGo();
    client.disconnect();
    // disconnect() only ends our side and would wait for a Redis that hangs.
    socket?.destroy();
  }

  return { send, firstAttempt, subscriptions, close };
}

function makeClient(redis: string | Redis): Redis {
  const options = {
    protocol: 2,
    lazyConnect: true,
    connectTimeout: 5_000,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    reconnectOnError: null,
    retryStrategy: (attempt: number) => Math.min(50 * 2 ** Math.min(attempt - 1, 5), 1_000),
  } satisfies RedisOptions;
  if (typeof redis === "string") {
    if (!/^(rediss?:\/\/|\/)./.test(redis) || (!redis.startsWith("/") && !URL.canParse(redis)))
      throw new GatewayOptionError("redis", "redis://…, rediss://… or the path of a unix socket");
    return new Redis(redis, { connectionName: "asynqjs-gateway", ...options });
  }
  if (redis?.isCluster !== false) throw new GatewayOptionError("redis", "a URL or an ioredis client that is no Cluster");
  if (redis.options.keyPrefix)
    throw new GatewayOptionError("redis", "an ioredis client without keyPrefix, which REST callers would not see");
  return redis.duplicate(options);
}
