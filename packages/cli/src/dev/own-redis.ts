import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { CliError, exitCodes } from "../exit-codes.ts";
import type { Child, ChildOptions } from "./child.ts";
import { findOnPath } from "./find-on-path.ts";
import { ping } from "./ports.ts";

/** A Redis of ours, on the loopback. */
export interface OwnRedis {
  /** What runs it: `redis-server`, or the image. */
  readonly name: string;
  readonly child: Child;
}

export interface OwnRedisOptions {
  /** Nobody listens there. */
  readonly port: number;
  /** The folder that its data are kept in; without one nothing is kept. */
  readonly dataDir?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly start: (options: Omit<ChildOptions, "guard" | "cwd">) => Child;
  /** Gives up waiting for it. */
  readonly signal: AbortSignal;
  /** Told before something that may take long. */
  readonly onWait: (text: string) => void;
}

const image = "redis:8-alpine";
const patienceMs = 10_000;
/** An image may have to be fetched first. */
const fetchPatienceMs = 300_000;

/**
 * Starts `redis-server` or `valkey-server` of the PATH, or else an image with docker, and waits until it answers.
 * @throws {CliError} there is none, or it did not start
 */
export async function startOwnRedis(options: OwnRedisOptions): Promise<OwnRedis> {
  const { port, dataDir, env, start, signal, onWait } = options;
  if (dataDir !== undefined) mkdirSync(dataDir, { recursive: true });
  const { name, command, args, waitMs } = chooseRedis(options);
  if (name === image) onWait(`docker starts ${image}`);
  const lines: string[] = [];
  const child = start({
    ...{ command, args, env, last: true, tied: true },
    onLine: (line) => {
      lines.push(line);
      if (lines.length > 20) lines.shift();
    },
  });
  let ended: string | undefined;
  child.gone.then(({ how }) => {
    ended = how;
  });
  const untilMs = performance.now() + waitMs;
  while (ended === undefined && !signal.aborted && performance.now() < untilMs) {
    if ((await ping(port)).startsWith("+PONG")) return { name, child };
    await sleep(20);
  }
  const why = ended === undefined ? `no answer within ${waitMs / 1000} s` : ended;
  await child.stop(1_000);
  throw new CliError(exitCodes.failed, `${name} did not start (${why}): ${lastWords(lines)}`);
}

interface Chosen {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly waitMs: number;
}

function chooseRedis({ port, dataDir, env }: OwnRedisOptions): Chosen {
  for (const name of ["redis-server", "valkey-server"]) {
    const command = findOnPath(name, env.PATH);
    if (command !== undefined)
      return { name, command, args: settings({ port, bind: "127.0.0.1", dir: dataDir }, dataDir), waitMs: patienceMs };
  }
  const docker = findOnPath("docker", env.PATH);
  if (docker !== undefined && spawnSync(docker, ["info"], { env, stdio: "ignore", timeout: 10_000 }).status === 0) {
    const server = `redis-server ${settings({ dir: dataDir && "/data" }, dataDir)
      .map((word) => `'${word}'`)
      .join(" ")}`;
    // The container's input ends with us, however we end, and with it the Redis in it.
    const tied = `${server} & cat >/dev/null; kill $!; wait`;
    const kept = dataDir === undefined ? [] : ["--user", `${process.getuid?.()}:${process.getgid?.()}`, "--volume", `${dataDir}:/data`];
    const args = ["run", "--rm", "--interactive", "--publish", `127.0.0.1:${port}:6379`, ...kept, image, "sh", "-c", tied];
    return { name: image, command: docker, args, waitMs: fetchPatienceMs };
  }
  const install = process.platform === "darwin" ? "brew install redis" : "apt-get install redis-server, or your system's package";
  throw new CliError(exitCodes.usage, `no Redis: install one (${install}), or start docker, or name one that runs with --redis URI`);
}

/** As asynqjs wants a Redis: it evicts nothing. What is not to be kept is not written, nor is a file of somebody's read. */
function settings(given: Readonly<Record<string, string | number | undefined>>, dataDir: string | undefined): string[] {
  const kept = dataDir === undefined ? { save: "", appendonly: "no" } : { save: "", appendonly: "yes" };
  const dump = { dbfilename: `asynqjs-dev-${randomBytes(8).toString("hex")}.rdb` };
  const all = { ...given, ...kept, ...dump, "maxmemory-policy": "noeviction", daemonize: "no" };
  return Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)]));
}

/** The last line, without the process number and date that lead it. */
function lastWords(lines: readonly string[]): string {
  return (lines.findLast((line) => line.trim() !== "") ?? "it said nothing").replace(/^\d+:\w .*? [#*-] /, "");
}
