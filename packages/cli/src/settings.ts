/**
 * Where Redis is and how to be let in: each by its flag, else the environment, else the config file, else Asynq's default.
 * @see Asynq tools/asynq/cmd/root.go, `initConfig` `getRedisConnOpt`
 * @module
 */
import type { ParsedRedis } from "@asynqjs/core/redis/ioredis";
import { readConfigFile } from "./config-file.ts";
import { CliError, exitCodes } from "./exit-codes.ts";
import type { Surroundings } from "./surroundings.ts";

/** How TLS is spoken, where it is. */
interface TlsSettings {
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** What to connect to. `where` names it and holds no secret. */
export type ConnectionSettings = { readonly where: string } & (
  | { readonly kind: "http"; readonly url: string; readonly token: string }
  | { readonly kind: "tcp"; readonly redis: ParsedRedis; readonly tls: TlsSettings }
);

export interface ReadSettings {
  readonly connection: ConnectionSettings;
  /** The config file that was read. */
  readonly file: string | undefined;
}

/** Where a value comes from, the strongest last. */
const ranks = { default: 0, file: 1, environment: 2, flag: 3 } as const;

interface Found {
  readonly value: unknown;
  readonly rank: number;
  /** As its user wrote it: `--db`, `DB`, `db in /home/me/.asynq.yaml`. */
  readonly name: string;
}

const defaults: Readonly<Record<string, unknown>> = {
  uri: "127.0.0.1:6379",
  db: 0,
  cluster: false,
  cluster_addrs: "127.0.0.1:7000,127.0.0.1:7001,127.0.0.1:7002,127.0.0.1:7003,127.0.0.1:7004,127.0.0.1:7005",
  tls: false,
  insecure: false,
};

/** What of a Redis over TCP can be said and over HTTP cannot: whoever says it here means another Redis, or another database of it. */
const tcpFlags = ["db", "password", "username", "cluster", "cluster_addrs", "tls", "tls_server", "insecure"] as const;

/** The variables of our own, which win over Asynq's, whose names others use too. */
const ownVariables: Readonly<Record<string, string>> = { uri: "ASYNQ_REDIS_URL", token: "ASYNQ_REDIS_TOKEN" };

/** Reads all of it. @throws {CliError} a value that cannot be used, named as its user wrote it */
export async function readSettings(
  flag: (name: string) => unknown,
  { env, homeDir }: Pick<Surroundings, "env" | "homeDir">,
): Promise<ReadSettings> {
  const file = await readConfigFile(flag("config") as string | undefined, homeDir);
  const find = (key: string): Found | undefined => {
    const said = flag(key);
    if (said !== undefined) return { value: said, rank: ranks.flag, name: `--${key}` };
    for (const name of [ownVariables[key], key === "url" || key === "token" ? undefined : key.toUpperCase()]) {
      // As in Asynq an empty variable is none.
      if (name !== undefined && env[name]) return { value: env[name], rank: ranks.environment, name };
    }
    const written = file?.values[key];
    if (written !== undefined && written !== null) return { value: written, rank: ranks.file, name: `${key} in ${file!.path}` };
    return defaults[key] === undefined ? undefined : { value: defaults[key], rank: ranks.default, name: key };
  };
  return { connection: await chooseConnection(find), file: file?.path };
}

async function chooseConnection(find: (key: string) => Found | undefined): Promise<ConnectionSettings> {
  const uri = find("uri")!;
  const url = find("url");
  if (url?.rank === ranks.flag && uri.rank === ranks.flag) throw bad("say either --uri or --url, not both");
  const http = url !== undefined && url.rank >= uri.rank ? url : /^https?:\/\//i.test(String(uri.value)) ? uri : undefined;
  if (http !== undefined) {
    for (const name of tcpFlags)
      if (find(name)?.rank === ranks.flag) throw bad(`--${name} is not for an HTTP Redis, which ${http.name} names`);
    return httpConnection(http, find("token"));
  }

  const { parseRedisUri } = await import("@asynqjs/core/redis/ioredis");
  const parse = ({ name }: Found, text: string): ParsedRedis => {
    try {
      return parseRedisUri(text);
    } catch (error) {
      throw bad(`${name}: ${(error as Error).message}`);
    }
  };
  const cluster = readBoolean(find("cluster")!);
  const addresses = find("cluster_addrs")!;
  const start = cluster && addresses.rank >= uri.rank ? addresses : uri;
  const text = Array.isArray(start.value) ? start.value.join(",") : String(start.value);
  if (text.trim() === "") throw bad(`${start.name}: expected host:port or a URI`);
  const isUri = text.includes("://");
  const scheme = cluster ? "redis-cluster" : "redis";
  const parsed = parse(start, isUri ? text : `${scheme}://${text.replace(/\s+/g, "")}`);
  if (cluster && isUri && parsed.kind !== "cluster") throw bad(`${start.name}: expected redis-cluster://… or host:port with --cluster`);

  // What a URI says itself stands, unless a flag or something else that is stronger than the URI says otherwise.
  const isStronger = ({ rank }: Found): boolean => rank === ranks.flag || rank > start.rank;
  const part = <T>(found: Found | undefined, own: T | undefined, read: (found: Found) => T): T | undefined =>
    found !== undefined && (own === undefined || isStronger(found)) ? read(found) : own;
  const password = part(find("password"), parsed.password, readText);
  const username = part(usernameOf(find), parsed.username, readText);
  const tlsServer = find("tls_server");
  const wantsTls = find("tls")!;
  const tls = tlsServer !== undefined || (isStronger(wantsTls) ? readBoolean(wantsTls) : parsed.tls === true || readBoolean(wantsTls));
  const access = { ...(password === undefined ? {} : { password }), ...(username === undefined ? {} : { username }), tls };
  const db = find("db")!;
  const redis: ParsedRedis =
    parsed.kind === "cluster"
      ? { ...parsed, ...access }
      : { ...parsed, ...access, db: part(db.rank > 0 ? db : undefined, parsed.db, readDb) };
  return {
    kind: "tcp",
    where: nameOf(redis),
    redis,
    tls: {
      ...(tlsServer === undefined ? {} : { servername: readText(tlsServer) }),
      ...(readBoolean(find("insecure")!) ? { rejectUnauthorized: false } : {}),
    },
  };
}

/** A desktop sets USERNAME to who sits there: it is the user of a Redis only beside a password from the same place. */
function usernameOf(find: (key: string) => Found | undefined): Found | undefined {
  const username = find("username");
  return username?.rank === ranks.environment && find("password")?.rank !== ranks.environment ? undefined : username;
}

function httpConnection(http: Found, token: Found | undefined): ConnectionSettings {
  if (token === undefined) throw bad(`${http.name} is an HTTP Redis: its token is missing, say it by --token or ASYNQ_REDIS_TOKEN`);
  const url = readText(http);
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw bad(`${http.name}: expected a URL such as https://example.upstash.io`);
  return { kind: "http", where: new URL(url).host, url, token: readText(token) };
}

function nameOf(redis: ParsedRedis): string {
  const listed = (nodes: readonly { readonly host: string; readonly port: number }[]): string =>
    nodes.map(({ host, port }) => `${host}:${port}`).join(",");
  switch (redis.kind) {
    case "standalone":
      return listed([redis]);
    case "socket":
      return redis.path;
    case "sentinel":
      return `${redis.master} of ${listed(redis.sentinels)}`;
    case "cluster":
      return listed(redis.nodes);
  }
}

function readText({ value, name }: Found): string {
  if (typeof value === "object") throw bad(`${name}: expected text`);
  return String(value);
}

function readDb({ value, name }: Found): number {
  if (!/^\d+$/.test(String(value))) throw bad(`${name}: expected the number of a database, such as 0`);
  return Number(value);
}

/** As Go reads one. */
function readBoolean({ value, name }: Found): boolean {
  if (/^(?:1|t|T|TRUE|true|True)$/.test(String(value))) return true;
  if (/^(?:0|f|F|FALSE|false|False)$/.test(String(value))) return false;
  throw bad(`${name}: expected true or false`);
}

function bad(message: string): CliError {
  return new CliError(exitCodes.usage, message);
}
