import { type Clock, InvalidOptionError, type Logger, type RedisPort, seldom } from "@asynqjs/core";
import {
  type IoredisClient,
  ioredisPort,
  ioredisSettings,
  type ParsedRedis,
  parseRedisUri,
  repeatingPort,
} from "@asynqjs/core/redis/ioredis";
import { Cluster, Redis } from "ioredis";
import { type SingleWay, singleWay } from "./light-redis/single-way.ts";

/**
 * Where the tasks are: one of Asynq's URI forms, the same as an object, an ioredis client of yours, or a port. What you bring stays yours:
 * it is never closed nor reconfigured.
 */
export type RedisSource = string | ParsedRedis | Redis | Cluster | IoredisClient | RedisPort;

export interface Connection {
  readonly port: RedisPort;
  /** Its way, if that is ours and one connection: what is said of that connection holds for every call. */
  readonly way?: SingleWay;
  /** Where it leads, if it is ours: another connection like it may be made. */
  readonly parsed?: ParsedRedis;
  /** Whether the port came from outside: its owner closes it. */
  readonly shared?: boolean;
  /** What the log should say at the start. */
  readonly cautions: readonly string[];
}

/**
 * Makes the port. Does no I/O: a connection of ours is made at its first call, and from then on whenever it was lost.
 * @throws {InvalidOptionError}
 */
export function connect(redis: RedisSource, logger: Logger, clock: Clock): Connection {
  if (typeof redis === "string") return own(parseRedisUri(redis), logger, clock);
  if (typeof redis === "object" && redis !== null) {
    if ("kind" in redis) return own(redis, logger, clock);
    if ("features" in redis && "send" in redis) return { port: redis, shared: true, cautions: [] };
    if ("callBuffer" in redis) return { port: ioredisPort(redis), cautions: cautionsAbout(redis) };
  }
  throw new InvalidOptionError("redis", "expected a URI, a connection object, an ioredis client or a port");
}

/** What ioredis subscribes to again by itself ends the process where that connection breaks as well: it handles no error of it. */
const onlySubscriptions = { autoResubscribe: false, enableOfflineQueue: false } as const;

/**
 * A client of our own on the same Redis, for what a connection can do only when it does nothing else. Undefined for a port, which has no
 * such thing. Does no I/O. Whoever subscribes does so each time it is ready.
 */
export function secondClient(redis: RedisSource, logger: Logger, clock: Clock): Redis | Cluster | undefined {
  if (typeof redis === "string") return ownClient(parseRedisUri(redis), logger, clock, onlySubscriptions);
  if ("kind" in redis) return ownClient(redis, logger, clock, onlySubscriptions);
  if (redis instanceof Cluster) return heard(redis.duplicate([], { lazyConnect: true }), logger, clock);
  if (redis instanceof Redis) return heard(redis.duplicate({ lazyConnect: true, ...onlySubscriptions }), logger, clock);
  return undefined;
}

function own(redis: ParsedRedis, logger: Logger, clock: Clock): Connection {
  if (redis.kind === "cluster") {
    const port = ioredisPort(ownClient(redis, logger, clock), { managed: true });
    return { port, parsed: redis, cautions: [] };
  }
  const warn = seldom(clock, logger.warn);
  const way = singleWay(redis, { stays: true, onFail: ({ message }) => warn("redis connection", { error: message }) });
  return { port: repeatingPort(way), way, parsed: redis, cautions: [] };
}

function ownClient(redis: ParsedRedis, logger: Logger, clock: Clock, ofRedis: Readonly<Record<string, unknown>> = {}): Redis | Cluster {
  const settings = ioredisSettings(redis);
  const client = settings.cluster
    ? new Cluster([...settings.nodes], { ...settings.options, lazyConnect: true })
    : new Redis({ ...settings.options, ...ofRedis, lazyConnect: true });
  return heard(client, logger, clock);
}

/** Without a listener ioredis prints to the console itself. */
function heard<C extends Redis | Cluster>(client: C, logger: Logger, clock: Clock): C {
  const warn = seldom(clock, logger.warn);
  client.on("error", (error: Error & { code?: string }) => warn("redis connection", { error: error.code ?? error.message }));
  return client;
}

/** Options of ioredis that send a call late or again behind our back, or lead to another Redis. */
interface ClientOptions {
  readonly sentinels?: readonly unknown[] | null;
  readonly enableOfflineQueue?: boolean;
  readonly autoResendUnfulfilledCommands?: boolean;
  readonly redisOptions?: ClientOptions;
}

/**
 * A client that keeps calls in a buffer, or sends them again by itself, may carry one out long after its caller gave up; and only one that
 * is ours can be told to leave a master that is silent, and to connect again when it ended.
 */
function cautionsAbout(client: IoredisClient): string[] {
  const options = (client as { options?: ClientOptions }).options ?? {};
  const resends = (client.isCluster === true ? options.redisOptions : options)?.autoResendUnfulfilledCommands;
  const cautions: string[] = [];
  for (const [name, value] of [
    ["enableOfflineQueue", options.enableOfflineQueue] as const,
    ["autoResendUnfulfilledCommands", resends] as const,
  ])
    if (value !== false)
      cautions.push(
        `the ioredis client you share has ${name} on: calls may be sent late or twice after a lost connection; set it to false`,
      );
  if (options.sentinels)
    cautions.push(
      "the ioredis client you share goes through Sentinels: without failoverDetector it stays with a master that is frozen, with it it may end for good when one is replaced (ioredis 6.0.0); give the URI instead",
    );
  return cautions;
}
