/**
 * The one connection of a run, over TCP or HTTP; what fails at its beginning is said at once, by its cause, not tried until time is over.
 * @module
 */
import type { Clock, Random, RedisPort } from "@asynqjs/core";
import { CliError, exitCodeOf, exitCodes, lineOf } from "./exit-codes.ts";
import type { ConnectionSettings } from "./settings.ts";

export interface Connection {
  readonly port: RedisPort;
  /** Whether what is spoken to is a Cluster's own nodes. */
  readonly inCluster: boolean;
  close(): Promise<void>;
}

interface ConnectOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Nobody waits for the connection any more. */
  readonly signal: AbortSignal;
}

/** @throws {CliError} not reachable, not let in, or too old a Redis: one line that says what to do */
export async function connect(settings: ConnectionSettings, options: ConnectOptions): Promise<Connection> {
  return settings.kind === "http" ? overHttp(settings, options) : overTcp(settings, options);
}

async function overHttp(settings: ConnectionSettings & { kind: "http" }, { clock, random, signal }: ConnectOptions): Promise<Connection> {
  const { fetchRedis } = await import("@asynqjs/core/redis/fetch");
  const port = fetchRedis({ url: settings.url, token: settings.token, clock, random });
  // Any command shows whether the URL and the token are right; what it answers is nothing to us.
  await port.send([["EXISTS", "asynq:queues"]], { timeoutMs: 5_000, signal }).catch((error: unknown) => {
    throw failureOverHttp(error, settings.where);
  });
  return { port, inCluster: false, close: () => port.close() };
}

async function overTcp(
  { redis, tls, where }: ConnectionSettings & { kind: "tcp" },
  { clock, random, signal }: ConnectOptions,
): Promise<Connection> {
  const [{ Redis, Cluster }, { ioredisPort, ioredisSettings }] = await Promise.all([
    import("./load-ioredis.ts"),
    import("@asynqjs/core/redis/ioredis"),
  ]);
  const { nodes, options } = withTls(ioredisSettings(redis), tls);
  // `port.features` asks INFO itself, and what is refused or loading is said by us: ioredis' own check would print lines of its own.
  const client = nodes === undefined ? new Redis({ ...options, enableReadyCheck: false }) : new Cluster([...nodes], options);
  const failed = failureOfClient(client, redis.kind === "standalone" || redis.kind === "socket");
  const port = ioredisPort(client, { managed: true, clock, random });
  const stopped = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(new CliError(exitCodes.interrupted, "stopped")), { once: true });
  });
  stopped.catch(() => {});
  try {
    await Promise.race([port.features(), failed, stopped]);
  } catch (error) {
    await port.close();
    if (signal.aborted || nodes === undefined || rootOf(error).message !== "Connection is closed.") throw failureOf(error, where);
    // A Cluster does not tell why it reached none of its nodes; one of them, asked alone, does.
    const node = new Redis({ ...(options as { redisOptions: object }).redisOptions, ...nodes[0], maxRetriesPerRequest: 0 });
    const cause = await Promise.race([failureOfClient(node, true), node.ping()]).catch((ofNode: unknown) => ofNode);
    node.disconnect();
    throw failureOf(cause instanceof Error ? cause : error, where);
  }
  return { port, inCluster: redis.kind === "cluster", close: () => port.close() };
}

type Client = { on(event: "error", listener: (error: Error) => void): unknown; once(event: "close", listener: () => void): unknown };

/** Rejects with the first that goes wrong; a single Redis that hangs up without a word, before it answered, is that too. */
function failureOfClient(client: Client, isSingle: boolean): Promise<never> {
  const failed = new Promise<never>((_, reject) => {
    client.on("error", reject);
    if (isSingle) client.once("close", () => reject(hungUp()));
  });
  // It goes on failing, and being looked at by nobody, once there is a connection.
  failed.catch(() => {});
  return failed;
}

/** A connection that closes before anything was answered, without a word. */
function hungUp(): Error {
  return Object.assign(new Error("the connection was closed"), { code: "ECONNRESET" });
}

type Settings = ReturnType<typeof import("@asynqjs/core/redis/ioredis")["ioredisSettings"]>;

/** What the flags say of TLS, put where TLS is spoken at all. */
function withTls(
  settings: Settings,
  tls: object,
): { readonly nodes?: Extract<Settings, { cluster: true }>["nodes"]; readonly options: object } {
  const fill = (options: Readonly<Record<string, unknown>>): object =>
    Object.fromEntries(Object.entries(options).map(([name, value]) => [name, name === "tls" || name === "sentinelTLS" ? tls : value]));
  if (!settings.cluster) return { options: fill(settings.options) };
  return {
    nodes: settings.nodes,
    options: { ...settings.options, redisOptions: fill(settings.options.redisOptions as Record<string, unknown>) },
  };
}

/** The deepest cause of an error: a Cluster and a Sentinel wrap what their nodes said. */
function rootOf(error: unknown): NodeJS.ErrnoException {
  const { lastNodeError, cause, errors } = Object(error) as { lastNodeError?: unknown; cause?: unknown; errors?: readonly unknown[] };
  const inner = lastNodeError ?? errors?.[0] ?? cause;
  return inner instanceof Error ? rootOf(inner) : (error as NodeJS.ErrnoException);
}

const networkFailures: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody listens there; is Redis running, and is FLAG right?",
  ENOTFOUND: "there is no such host; is FLAG right?",
  EAI_AGAIN: "its name cannot be looked up; is the network up?",
  EHOSTUNREACH: "there is no way to that host; is the network up?",
};

const tcpFailures: Readonly<Record<string, string>> = {
  ...networkFailures,
  ETIMEDOUT: "no answer in time; is the host right, does it speak TLS as you say (--tls), and does a firewall let you through?",
  ECONNRESET: "the other side hung up; does it expect TLS (--tls), or not?",
  ENOENT: "there is no such socket",
  EACCES: "that socket may not be used",
};

/** What Redis says to a connection that is meant for another. */
const refusals = [
  ["DB index is out of range", "it has no database of that number; is --db right?"],
  ["cluster support disabled", "it is no Cluster; say it without --cluster"],
] as const;

function failureOverHttp(error: unknown, where: string): CliError {
  if (exitCodeOf(error) === exitCodes.denied) return failureOf(error, where);
  const message = lineOf(error);
  // Of what went wrong below HTTP core tells the name alone, at the end.
  const known = networkFailures[/\w+$/.exec(message)?.[0] ?? ""]?.replace("FLAG", "--url");
  if (known !== undefined) return new CliError(exitCodes.unreachable, `cannot reach Redis at ${where}: ${known}`, error);
  const todo = "is it Upstash or asynqjs' gateway, and is --url right?";
  return new CliError(exitCodes.unreachable, `cannot use Redis at ${where}: ${message}; ${todo}`, error);
}

function failureOf(error: unknown, where: string): CliError {
  const root = rootOf(error);
  const message = lineOf(root);
  const [word = ""] = message.split(" ", 1);
  if (/^(?:WRONGPASS|NOAUTH|NOPERM)$/.test(word) || exitCodeOf(error) === exitCodes.denied) {
    const [, needed = ""] = /NOPERM.*'([\w|]+)' command/.exec(message) ?? [];
    const todo =
      word === "NOPERM" || needed !== ""
        ? `its ACL does not allow this user what is needed${needed && ` (${needed})`}; deploy/acl has the rules`
        : "it knows no such user and password; say them by --username and --password, in the URI, or for HTTP by --token";
    return new CliError(exitCodes.denied, `Redis at ${where} refused: ${todo}`, error);
  }
  const known = tcpFailures[root.code ?? ""]?.replace("FLAG", "--uri");
  if (known !== undefined) return new CliError(exitCodes.unreachable, `cannot reach Redis at ${where}: ${known}`, error);
  // What ioredis says of bytes that are no reply.
  if (message.endsWith("Please report this.")) {
    const todo = "what answers there does not speak as Redis does; is --uri right? One over HTTP is said by --url";
    return new CliError(exitCodes.unreachable, `cannot use Redis at ${where}: ${todo}`, error);
  }
  const refusal = refusals.find(([said]) => message.includes(said));
  if (refusal !== undefined) return new CliError(exitCodes.usage, `cannot use Redis at ${where}: ${refusal[1]}`, error);
  if (isTlsFailure(root)) {
    const todo = "is its certificate for that name (--tls_server), and signed by whom this machine trusts (--insecure takes any)?";
    return new CliError(exitCodes.unreachable, `cannot speak TLS with Redis at ${where}: ${message}; ${todo}`, error);
  }
  const code = exitCodeOf(error);
  return new CliError(
    code === exitCodes.failed && !(error instanceof CliError) ? exitCodes.unreachable : code,
    `cannot use Redis at ${where}: ${message}`,
    error,
  );
}

function isTlsFailure({ code = "", message }: NodeJS.ErrnoException): boolean {
  return /^(?:ERR_SSL|ERR_TLS|EPROTO|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code) || /before secure TLS connection/.test(message);
}
