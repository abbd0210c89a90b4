import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** How to run a Redis server that was found on this machine, or fetched for it. */
export interface RedisBinary {
  readonly file: string;
  /** Debian's redis-server is redis-check-rdb under another name: it acts by the name it is called by. */
  readonly argv0?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Where a fetched Redis is kept between runs; ignored by git. */
const home: string = fileURLToPath(new URL("../../.tools/redis", import.meta.url));

/**
 * Finds redis-server or valkey-server on PATH, or else unpacks Debian's or Ubuntu's package into `.tools/redis`, which needs no root and
 * changes nothing else on the machine. Says in one line what it fetched.
 * @throws {Error} one line that says what to install.
 */
export function findRedisBinary(toolsDir: string = home): RedisBinary {
  for (const name of ["redis-server", "valkey-server"]) {
    const file = onPath(name);
    if (file !== undefined) return { file };
  }
  const checker = onPath("redis-check-rdb");
  if (checker !== undefined) return { file: checker, argv0: "redis-server" };
  return unpacked(toolsDir) ?? fetchFromDebian(toolsDir);
}

function onPath(name: string): string | undefined {
  for (const dir of (process.env.PATH ?? "").split(path.delimiter)) {
    const file = path.join(dir, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // not in this directory
    }
  }
  return undefined;
}

function unpacked(toolsDir: string): RedisBinary | undefined {
  const file = path.join(toolsDir, "usr/bin/redis-check-rdb");
  if (!existsSync(file)) return undefined;
  const libraries = globSync("{usr/lib,lib}/*-linux-gnu*", { cwd: toolsDir }).map((dir) => path.join(toolsDir, dir));
  return { file, argv0: "redis-server", env: { LD_LIBRARY_PATH: libraries.join(":") } };
}

function fetchFromDebian(toolsDir: string): RedisBinary {
  const wanted = "asynqjs needs a Redis server: set ASYNQ_REDIS_URL, or install one";
  if (process.platform === "darwin") throw new Error(`${wanted} (brew install redis)`);
  if (onPath("apt-get") === undefined || onPath("dpkg") === undefined) throw new Error(`${wanted} (redis or valkey, 6.2 or later)`);

  mkdirSync(path.dirname(toolsDir), { recursive: true });
  const dir = mkdtempSync(`${toolsDir}-`);
  try {
    // A fresh container has no package lists, and old lists name files that are gone: then ask again with lists of our own.
    const packages = download(dir, []) ?? download(dir, ownLists(dir));
    if (packages === undefined) throw new Error(`${wanted} (apt-get install redis-server); fetching it by apt-get failed`);
    for (const file of globSync("*.deb", { cwd: dir })) {
      if (spawnSync("dpkg", ["-x", file, "."], { cwd: dir }).status !== 0) throw new Error(`${wanted} (apt-get install redis-server)`);
      rmSync(path.join(dir, file));
    }
    rmSync(path.join(dir, "apt"), { recursive: true, force: true });
    rmSync(toolsDir, { recursive: true, force: true });
    renameSync(dir, toolsDir);
    console.error(`asynqjs: fetched ${packages.join(", ")} into .tools/redis`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  return unpacked(toolsDir)!;
}

/** redis-tools and what it depends on that is not on the machine; undefined when apt-get cannot. */
function download(dir: string, options: readonly string[]): string[] | undefined {
  const plan = apt(dir, [...options, "install", "--print-uris", "--no-install-recommends", "-qq", "redis-tools"]);
  if (plan === undefined) return undefined;
  const packages = Array.from(plan.matchAll(/^'\S+' (?<name>[^_\s]+)_\S*\.deb /gm), (found) => found.groups!.name!);
  if (!packages.includes("redis-tools")) return undefined;
  return apt(dir, [...options, "download", "-qq", ...packages]) === undefined ? undefined : packages;
}

function ownLists(dir: string): string[] {
  for (const sub of ["lists/partial", "cache/archives/partial"]) mkdirSync(path.join(dir, "apt", sub), { recursive: true });
  const options = [
    `Dir::State::Lists=${dir}/apt/lists`,
    `Dir::Cache=${dir}/apt/cache`,
    // apt would fetch as its own user, who may not write here.
    ...(process.getuid?.() === 0 ? ["APT::Sandbox::User=root"] : []),
  ].flatMap((option) => ["-o", option]);
  apt(dir, [...options, "update", "-qq"]);
  return options;
}

function apt(cwd: string, args: readonly string[]): string | undefined {
  const run = spawnSync("apt-get", args, {
    cwd,
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" },
  });
  return run.status === 0 ? run.stdout : undefined;
}
