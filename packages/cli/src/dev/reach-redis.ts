import { ioredisSettings, type ParsedRedis } from "@asynqjs/core/redis/ioredis";
import { Redis } from "ioredis";
import { CliError, exitCodes } from "../exit-codes.ts";

/** The settings of a client for it. */
export function settingsFor(redis: ParsedRedis): Readonly<Record<string, unknown>> {
  const settings = ioredisSettings(redis);
  if (settings.cluster) throw new CliError(exitCodes.usage, "expected one Redis, no Cluster");
  return settings.options;
}

/** Where it is, without who is let in. */
export function whereIs(redis: ParsedRedis): string {
  const db = "db" in redis && redis.db ? `/${redis.db}` : "";
  switch (redis.kind) {
    case "standalone":
      return `${redis.tls ? "rediss" : "redis"}://${redis.host}:${redis.port}${db}`;
    case "socket":
      return `unix://${redis.path}`;
    case "sentinel":
      return `${redis.master} of ${redis.sentinels.map(({ host, port }) => `${host}:${port}`).join(", ")}${db}`;
    case "cluster":
      return redis.nodes.map(({ host, port }) => `${host}:${port}`).join(", ");
  }
}

const patienceMs = 5_000;

/** @throws {CliError} it gives no answer, or lets us not in */
export async function demandAnswer(redis: ParsedRedis): Promise<void> {
  const client = new Redis({ ...settingsFor(redis), lazyConnect: true, retryStrategy: null });
  let why = "";
  // What comes first tells why; what comes after it, that there is no connection any more.
  const fail = ({ code, message }: NodeJS.ErrnoException): void => {
    if (why === "" && message !== "Connection is closed.") why = code ?? message;
  };
  client.on("error", fail);
  const timer = setTimeout(() => client.disconnect(), patienceMs);
  try {
    await client.connect();
    await client.ping();
  } catch (error) {
    fail(error as Error);
    const code = /^(?:NOAUTH|WRONGPASS|NOPERM)/.test(why) ? exitCodes.denied : exitCodes.unreachable;
    throw new CliError(code, `no Redis at ${whereIs(redis)}: ${why || `no answer within ${patienceMs / 1000} s`}`);
  } finally {
    clearTimeout(timer);
    client.disconnect();
  }
}
