import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { wayFailed } from "@asynqjs/core/redis/ioredis";
import { Connection } from "./connection.ts";

/** Where one Redis is, and how to be let in. */
export interface Endpoint {
  readonly host?: string;
  readonly port?: number;
  /** Of a unix socket, in the place of host and port. */
  readonly path?: string;
  readonly tls?: boolean | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly db?: number | undefined;
  /** Refuses a Redis that is no master, as one that a Sentinel still takes for it. */
  readonly mustBeMaster?: boolean;
}

/** How long one Redis may take until it has let us in, or has told where others are. */
const answerTimeoutMs = 2_000;

/**
 * Connects and is let in by a Redis that answers; gives up when `signal` aborts.
 * @throws {RedisError} not reachable, not let in, no master, or not in time
 */
export async function openConnection(endpoint: Endpoint, signal: AbortSignal): Promise<Connection> {
  const connection = new Connection((onread) => dial(endpoint, onread));
  try {
    await inTime(connection, () => introduce(connection, endpoint), signal);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** What `ask` comes to; closes the connection, so that it fails, when that takes more than 2 s or `signal` aborts. */
export async function inTime<T>(connection: Connection, ask: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const giveUp = (): void => connection.close();
  const timer = setTimeout(giveUp, answerTimeoutMs);
  signal?.addEventListener("abort", giveUp);
  try {
    if (signal?.aborted) giveUp();
    return await ask();
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
  }
}

function dial({ host = "localhost", port = 6379, path, tls }: Endpoint, onread: OnReadOpts): Socket {
  if (path !== undefined) return connectTcp({ path, onread });
  if (tls !== true) return connectTcp({ host, port, onread });
  // Its types do not know of onread, which it hands on like every other option of a socket's.
  return connectTls({ host, port, onread, ...(isIP(host) === 0 ? { servername: host } : {}) } as ConnectionOptions);
}

/** The first words on a connection; the socket keeps them until it is connected. The last one shows that the other side answers. */
async function introduce(connection: Connection, { username, password, db = 0, mustBeMaster = false }: Endpoint): Promise<void> {
  const auth = password === undefined ? [] : [["AUTH", ...(username === undefined ? [] : [username]), password]];
  const select = db === 0 ? [] : [["SELECT", String(db)]];
  const results = await connection.call([...auth, ...select, [mustBeMaster ? "ROLE" : "PING"]]);
  const last = results.pop()?.reply;
  for (const { error } of results) {
    // A Redis without a password lets in whoever brings one.
    if (error !== undefined && !/without any password|no password is set/.test(error.message)) throw error;
  }
  if (!mustBeMaster || !Array.isArray(last)) return;
  const role = Buffer.from(last[0] as Uint8Array).toString();
  if (role !== "master") throw wayFailed(`it is a ${role}, no master`, "no");
}
