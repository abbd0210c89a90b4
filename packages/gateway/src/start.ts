import type { Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import type { Hono } from "hono";
import type { Redis } from "ioredis";
import { gatewayApp } from "./app.ts";
import { GatewayOptionError } from "./errors.ts";
import { keepAliveMs } from "./event-streams.ts";
import { type GatewayLimits, resolveLimits } from "./limits.ts";
import { type GatewayLog, openRedisLink, type RedisLink } from "./redis-link.ts";
import { type GatewayToken, resolveTokens } from "./token.ts";

/** What {@link startGateway} takes. */
export interface GatewayOptions {
  /** `redis://…`, `rediss://…`, the path of a unix socket, or an ioredis client whose settings are copied (with Sentinels, TLS, …). */
  readonly redis: string | Redis;
  /** Accepted bearer tokens, at least one; two while one is replaced by the other. A token may have a role. */
  readonly tokens: readonly GatewayToken[];
  /** Address to listen on. The gateway speaks plain HTTP: beyond loopback put a TLS proxy before it. @default "127.0.0.1" */
  readonly host?: string;
  /** TCP port; 0 takes a free one. @default 8079 */
  readonly port?: number;
  readonly limits?: Partial<GatewayLimits>;
  /** Told when the connection to Redis is lost and is back. @default silent */
  readonly log?: GatewayLog;
}

/** A gateway that listens. */
export interface Gateway {
  /** What clients take as their `url`. */
  readonly url: string;
  readonly port: number;
  /** Takes no new requests, answers those in flight (at most 10 s), then leaves Redis. May be repeated. */
  close(): Promise<void>;
}

const closeWithinMs = 10_000;

/**
 * Starts the gateway. Resolves once it listens and the first attempt to reach Redis ended; while Redis is away requests are answered 503.
 *
 * @throws {GatewayOptionError} before any I/O: no token, an unusable `redis`, `port` or limit.
 * @throws {Error} the address is taken or not ours (`EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES`).
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { host = "127.0.0.1", port = 8079, log } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new GatewayOptionError("port", "a whole number from 0 to 65535");
  if (host === "") throw new GatewayOptionError("host", "an address or a name");
  const limits = resolveLimits(options.limits);
  resolveTokens(options.tokens);
  const link = openRedisLink(options.redis, log);
  const app = gatewayApp({ link, tokens: options.tokens, limits, ...(log && { log }) });
  return listen(app, { host, port, link, limits });
}

interface Listening {
  readonly host: string;
  readonly port: number;
  readonly link: RedisLink;
  readonly limits: GatewayLimits;
}

async function listen(app: Hono, { host, port, link, limits }: Listening): Promise<Gateway> {
  let closing: Promise<void> | undefined;
  const server = createAdaptorServer({
    fetch: async (request) => {
      const response = await app.fetch(request);
      // A kept-alive connection would keep the closing server open.
      if (closing !== undefined) response.headers.set("Connection", "close");
      return response;
    },
    // Above the 60 s after which common load balancers drop an idle connection, so that it is never us who close under a request.
    serverOptions: { headersTimeout: 10_000, requestTimeout: 60_000, connectionsCheckingInterval: 5_000, keepAliveTimeout: 65_000 },
  }) as Server;
  server.maxConnections = limits.maxConnections;
  // So long nothing moved in either direction: a client that does not read its answer would keep it here. Longer than what is waited for
  // headers, which ends with a 408.
  server.timeout = Math.max(limits.timeoutMs, limits.bodyTimeoutMs, keepAliveMs) + 10_000;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, resolve);
    });
  } catch (error) {
    link.close();
    throw error;
  }
  await link.firstAttempt;

  const shutDown = async (): Promise<void> => {
    link.subscriptions.close();
    const force = setTimeout(() => server.closeAllConnections(), closeWithinMs);
    await new Promise((resolve) => server.close(resolve));
    clearTimeout(force);
    link.close();
  };
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    port: bound,
    close: () => {
      closing ??= shutDown();
      return closing;
    },
  };
}
