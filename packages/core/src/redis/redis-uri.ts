/**
 * Asynq's URI forms for a Redis. Where Asynq drops the user name or refuses a trailing slash, we read them.
 * @see Asynq asynq.go, `ParseRedisURI`
 * @module
 */
import { InvalidOptionError } from "../errors.ts";

interface Access {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly db?: number | undefined;
  readonly tls?: boolean | undefined;
}

/** Where a Redis is, and how to be let in. */
export type ParsedRedis =
  | ({ readonly kind: "standalone"; readonly host: string; readonly port: number } & Access)
  | ({ readonly kind: "socket"; readonly path: string } & Access)
  | ({
      readonly kind: "sentinel";
      readonly master: string;
      readonly sentinels: readonly HostPort[];
      readonly sentinelUsername?: string | undefined;
      readonly sentinelPassword?: string | undefined;
    } & Access)
  | ({ readonly kind: "cluster"; readonly nodes: readonly HostPort[] } & Omit<Access, "db">);

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/**
 * Reads
 * - `redis://[user:password@]host[:port][/db]`, `rediss://…` with TLS
 * - `redis-socket://[user:password@]/path[?db=n]`, `unix://…` likewise
 * - `redis-sentinel://[user:password@]host:port,host:port[/db]?master=name`: the password is the Sentinels', as in Asynq; the data node's
 *   comes as `?username=…&password=…`
 * - `redis-cluster://[user:password@]host:port,host:port`, `rediss-cluster://…` with TLS (Asynq has no form for it)
 *
 * @throws {InvalidOptionError} never quotes the URI, which may hold a password
 */
export function parseRedisUri(uri: string): ParsedRedis {
  // As in Go the last @ ends the password, and nothing blank stands unescaped: a line's end would be looked up as part of a host.
  const parts = /^([a-z-]+):\/\/(?:([^/?\s]*)@)?([^@/?\s]*)([^?\s]*)(?:\?(\S*))?$/i.exec(uri);
  if (parts === null) throw bad("expected a URI such as redis://localhost:6379/0");
  const [, scheme, userinfo, hosts, path, search] = parts as unknown as [
    string,
    string,
    string | undefined,
    string,
    string,
    string | undefined,
  ];
  const query = new URLSearchParams(search ?? "");
  const credentials = readUserinfo(userinfo);
  switch (scheme.toLowerCase()) {
    case "redis":
    case "rediss":
      return { kind: "standalone", ...readHost(hosts, 6379), ...credentials, db: readDb(path), tls: scheme.toLowerCase() === "rediss" };
    case "redis-socket":
    case "unix": {
      if (path === "" || path === "/") throw bad("expected the path of a socket, as in redis-socket:///run/redis.sock");
      return { kind: "socket", path: decode(path), ...credentials, db: query.has("db") ? readNumber(query.get("db")!, "db") : undefined };
    }
    case "redis-sentinel":
    case "rediss-sentinel": {
      const master = query.get("master");
      if (!master) throw bad("expected the name of the master, as in ?master=mymaster");
      return {
        kind: "sentinel",
        master,
        sentinels: readHosts(hosts, 26379),
        sentinelUsername: credentials.username,
        sentinelPassword: credentials.password,
        username: query.get("username") ?? undefined,
        password: query.get("password") ?? undefined,
        db: readDb(path),
        tls: scheme.toLowerCase() === "rediss-sentinel",
      };
    }
    case "redis-cluster":
    case "rediss-cluster": {
      if (readDb(path) !== undefined && readDb(path) !== 0) throw bad("a Redis Cluster has no databases but 0");
      return {
        kind: "cluster",
        nodes: readHosts(hosts, 6379),
        ...credentials,
        tls: scheme.toLowerCase() === "rediss-cluster",
      };
    }
    default:
      throw bad(`unsupported scheme "${scheme}"; expected redis, rediss, redis-socket, redis-sentinel or redis-cluster`);
  }
}

function readUserinfo(userinfo: string | undefined): Pick<Access, "username" | "password"> {
  if (userinfo === undefined || userinfo === "") return {};
  const colon = userinfo.indexOf(":");
  if (colon < 0) return { username: decode(userinfo) };
  return { username: decode(userinfo.slice(0, colon)) || undefined, password: decode(userinfo.slice(colon + 1)) || undefined };
}

function readHosts(text: string, defaultPort: number): HostPort[] {
  const hosts = text.split(",");
  if (hosts.length > 1 && hosts.includes("")) throw bad("expected a host between two commas");
  return hosts.map((host) => readHost(host, defaultPort));
}

function readHost(text: string, defaultPort: number): HostPort {
  const match = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(text);
  if (match === null) throw bad("expected host:port");
  const port = match[3] === undefined ? defaultPort : Number(match[3]);
  if (port < 1 || port > 65_535) throw bad("expected a port from 1 to 65535");
  return { host: match[1] ?? (match[2] || "localhost"), port };
}

function readDb(path: string): number | undefined {
  const segment = path.replace(/^\/+/, "").split("/")[0]!;
  return segment === "" ? undefined : readNumber(segment, "database number");
}

function readNumber(text: string, what: string): number {
  if (!/^\d+$/.test(text)) throw bad(`expected a whole number as ${what}`);
  return Number(text);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw bad("it holds a broken percent escape");
  }
}

function bad(expected: string): InvalidOptionError {
  return new InvalidOptionError("redis URI", expected);
}
