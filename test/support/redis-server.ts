import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { findRedisBinary } from "./redis-binary.ts";

/** A real Redis, running as our child. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Ends it and removes its directory. May be repeated. */
  stop(): Promise<void>;
  /** Sends it a signal: `SIGKILL` to crash it, `SIGSTOP` and `SIGCONT` to freeze it. Resolves when it is gone if the signal ends it. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

export interface RedisServerOptions {
  /** How many numbered databases it has. Default 16. */
  readonly databases?: number;
  /** More arguments of redis-server; they win over ours. */
  readonly args?: readonly string[];
  /** Default: a free one, as is the one 10000 above it, which a Cluster's node takes too. */
  readonly port?: number;
}

const patienceMs = 10_000;

/**
 * Starts a Redis on the loopback that keeps nothing on disk, and waits until it answers. It ends with this process, however that ends.
 * @throws {Error} one line that says what to install, or why it did not start.
 */
export async function startRedis({ databases = 16, args = [], port }: RedisServerOptions = {}): Promise<RedisServer> {
  const { file, argv0, env } = findRedisBinary();
  for (let left = port === undefined ? 5 : 1; ; left--) {
    const chosen = port ?? (await freePort());
    const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-redis-"));
    const log = path.join(dir, "redis.log");
    const ours = { port: chosen, bind: "127.0.0.1", dir, logfile: log, databases, save: "", appendonly: "no" };
    const output = openSync(log, "a");
    const child = spawn(file, [...Object.entries(ours).flatMap(([name, value]) => [`--${name}`, String(value)]), ...args], {
      ...(argv0 === undefined ? {} : { argv0 }),
      env: { ...process.env, ...env },
      stdio: ["ignore", output, output],
      // A Ctrl-C at the terminal must reach us alone: we still need Redis while we shut down.
      detached: true,
    });
    closeSync(output);
    const gone = once(child, "exit").catch(() => {});
    const guard = guardOf(child, dir);
    const stop = async (): Promise<void> => {
      // Whoever waits for its end stays alive for it.
      child.ref();
      child.kill("SIGKILL");
      await gone;
      guard.kill("SIGKILL");
      rmSync(dir, { recursive: true, force: true });
    };
    if (child.pid !== undefined && (await answers(chosen, child, log))) {
      child.unref();
      return {
        url: `redis://127.0.0.1:${chosen}`,
        port: chosen,
        pid: child.pid,
        stop,
        async kill(signal) {
          child.kill(signal);
          if (signal !== "SIGSTOP" && signal !== "SIGCONT") await gone;
        },
      };
    }
    const said = textOf(log);
    await stop();
    if (left > 1 && /address already in use/i.test(said)) continue;
    throw new Error(`redis-server on port ${chosen} did not start: ${lastWords(said)}`);
  }
}

/** The Redis that `ASYNQ_REDIS_URL` names, which `stop` leaves running, or one of our own. */
export async function useRedis(options: RedisServerOptions = {}): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const url = process.env.ASYNQ_REDIS_URL;
  return url ? { url, stop: async () => {} } : startRedis(options);
}

/** A process that waits for the end of ours, which closes the pipe between us, and then ends Redis: no exit hook runs at a SIGKILL. */
export function guardOf(redis: ChildProcess, dir: string): ChildProcess {
  const guard = spawn("/bin/sh", ["-c", 'cat >/dev/null; kill -9 "$1"; rm -rf "$2"', "sh", String(redis.pid), dir], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  // The number of a process that is gone may be given to another.
  redis.once("exit", () => guard.kill("SIGKILL"));
  guard.stdin!.on("error", () => {});
  (guard.stdin as unknown as { unref(): void }).unref();
  guard.unref();
  return guard;
}

/**
 * Whether it answers before its process ends or our patience does. Its log says that the port is its own, not another Redis's; any answer
 * to PING will do but that it is still loading.
 */
async function answers(port: number, child: ChildProcess, log: string): Promise<boolean> {
  const untilMs = performance.now() + patienceMs;
  while (child.exitCode === null && child.signalCode === null && performance.now() < untilMs) {
    if (/Ready to accept connections|Sentinel ID is/.test(textOf(log)) && /^(\+PONG|-(?!LOADING))/.test(await ping(port))) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}

function ping(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", timeout: 1000 }, () => socket.write("PING\r\n"));
    const end = (answer: string): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("data", (data) => end(data.toString("latin1")));
    for (const event of ["error", "timeout", "close"]) socket.once(event, () => end(""));
  });
}

/**
 * A port that was free a moment ago, as was the bus port of a Cluster's node, 10000 above it. Both are below those that connections are
 * given: one that was closed keeps its port for a minute from whoever would listen there, and the tests close thousands. Not 10080, which
 * no `fetch` asks.
 */
export async function freePort(random: () => number = Math.random): Promise<number> {
  for (;;) {
    const port = 10_100 + Math.floor(random() * 12_600);
    if ((await isFree(port)) && (await isFree(port + 10_000))) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
  if (free) await new Promise((resolve) => server.close(resolve));
  return free;
}

function textOf(log: string): string {
  try {
    return readFileSync(log, "utf8").trim();
  } catch {
    return "";
  }
}

/** The last line, without the process number and date that lead it. */
function lastWords(log: string): string {
  return (log.split("\n").at(-1) || "it said nothing").replace(/^\d+:\w .*? [#*-] /, "");
}
