import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Client, type Payload, Task } from "@asynqjs/client-edge";
import { test as base } from "vitest";
import { findRedisBinary } from "./redis-binary.ts";

export { expect } from "vitest";

const bin = fileURLToPath(new URL("../../packages/cli/src/bin.ts", import.meta.url));
const packages = fileURLToPath(new URL("../../packages", import.meta.url));
const patienceMs = 30_000;

/** A run of `asynqjs dev`, and what it says. */
export interface DevProcess {
  readonly pid: number;
  /** The next line that matches, after the one that was found last. */
  line(pattern: RegExp, withinMs?: number): Promise<RegExpExecArray>;
  /** All that it said up to now. */
  said(): string;
  signal(signal: NodeJS.Signals): void;
  /** Ends its terminal: nobody takes what it says any more, and it is told so. */
  hangUp(): void;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** The numbers of all processes that it started, and that these started, as far as it was asked while they were there. */
  started(): number[];
}

/** A folder of a user's, with the packages of the workspace installed. */
export interface DevProject {
  readonly dir: string;
  write(file: string, text: string): void;
  read(file: string): string;
  /** Runs `asynqjs dev` there, at free ports; ended with the test. */
  dev(...args: readonly string[]): DevProcess;
  /** The same, with an environment that differs. */
  devWith(env: NodeJS.ProcessEnv, ...args: readonly string[]): DevProcess;
  /** The environment that it finds: with a `redis-server` on the PATH. */
  readonly env: NodeJS.ProcessEnv;
}

export const test = base.extend<{ project: DevProject }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixture's needs from the pattern
  project: async ({}, use) => {
    const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-dev-"));
    const write = (file: string, text: string): void => {
      mkdirSync(path.dirname(path.join(dir, file)), { recursive: true });
      writeFileSync(path.join(dir, file), text);
    };
    write("package.json", JSON.stringify({ name: "my-app", private: true, type: "module" }));
    mkdirSync(path.join(dir, "node_modules/@asynqjs"), { recursive: true });
    for (const name of ["core", "worker-node", "client-edge"])
      symlinkSync(path.join(packages, name), path.join(dir, "node_modules/@asynqjs", name));
    const { ASYNQ_REDIS_URL: _, ...inherited } = process.env;
    const env = { ...inherited, PATH: pathWithRedis(dir) };

    const running: DevProcess[] = [];
    const devWith: DevProject["devWith"] = (changed, ...args) => {
      const ports = args.includes("--redis") ? [] : ["--redis-port", "0"];
      const child = spawn(process.execPath, [bin, "dev", ...ports, "--gateway-port", "0", ...args], {
        cwd: dir,
        env: changed,
        stdio: ["ignore", "pipe", "pipe"],
      });
      const one = followOutput(child);
      running.push(one);
      return one;
    };
    await use({
      dir,
      env,
      write,
      read: (file) => readFileSync(path.join(dir, file), "utf8"),
      dev: (...args) => devWith(env, ...args),
      devWith,
    });
    for (const { pid, started, ended } of running) {
      const left = started();
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // it ended in the test
      }
      await ended;
      for (const each of left) if (isAlive(each)) process.kill(each, "SIGKILL");
    }
    rmSync(dir, { recursive: true, force: true });
  },
});

/** The PATH, and before it a folder with a `redis-server` that runs the one of this machine, whatever it is called there. */
export function pathWithRedis(dir: string): string {
  const { file, argv0 = file, env = {} } = findRedisBinary();
  const folder = path.join(dir, ".bin");
  mkdirSync(folder, { recursive: true });
  const variables = Object.entries(env).map(([name, value]) => `export ${name}='${value}'\n`);
  writeFileSync(path.join(folder, "redis-server"), `#!/bin/bash\n${variables.join("")}exec -a '${argv0}' '${file}' "$@"\n`);
  chmodSync(path.join(folder, "redis-server"), 0o755);
  return [folder, process.env.PATH].join(path.delimiter);
}

/** What a process says, line by line. */
export function followOutput(child: ChildProcess): DevProcess {
  let said = "";
  let from = 0;
  const look = new Set<() => void>();
  const seen = new Set<number>();
  for (const output of [child.stdout!, child.stderr!])
    output.setEncoding("utf8").on("data", (chunk: string) => {
      said += chunk;
      for (const each of look) each();
    });
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once("close", (code, signal) => {
      resolve(code ?? signal!);
      for (const each of look) each();
    });
  });
  return {
    pid: child.pid!,
    ended,
    said: () => said,
    signal: (signal) => void child.kill(signal),
    hangUp() {
      child.kill("SIGHUP");
      child.stdout!.destroy();
      child.stderr!.destroy();
    },
    started() {
      for (const pid of descendants(child.pid!)) seen.add(pid);
      return [...seen];
    },
    line(pattern, withinMs = patienceMs) {
      return new Promise((resolve, reject) => {
        const fail = (why: string): void => reject(new Error(`${why} before a line that matches ${pattern}; what was said:\n${said}`));
        const timer = setTimeout(() => fail(`${withinMs / 1000} s passed`), withinMs);
        const find = (): void => {
          for (let end = said.indexOf("\n", from); end >= 0; end = said.indexOf("\n", from)) {
            const found = pattern.exec(said.slice(from, end));
            from = end + 1;
            if (found !== null) {
              settle();
              resolve(found);
              return;
            }
          }
          if (child.exitCode !== null || child.signalCode !== null) {
            settle();
            fail("it ended");
          }
        };
        const settle = (): void => {
          clearTimeout(timer);
          look.delete(find);
        };
        look.add(find);
        find();
      });
    },
  };
}

/** Enqueues through the gateway of a run, at the URL and with the token that it said. */
export async function enqueueThrough(dev: DevProcess, type: string, payload: Payload): Promise<void> {
  const [url, token] = ["REDIS_URL", "REDIS_TOKEN"].map((name) => new RegExp(`^${name}=(.*)$`, "m").exec(dev.said())![1]!);
  await new Client({ url: url!, token: token! }).enqueue(new Task(type, payload));
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Resolves when none of these processes is there any more. */
export async function areGone(pids: readonly number[]): Promise<void> {
  const untilMs = performance.now() + patienceMs;
  while (pids.some(isAlive)) {
    if (performance.now() > untilMs) throw new Error(`still there: ${pids.filter(isAlive).join(", ")}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Those that a process started, and that these started. */
function descendants(pid: number): number[] {
  const rows = spawnSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).stdout.trim().split("\n");
  const parents = rows.map((row) => row.trim().split(/\s+/).map(Number) as [number, number]);
  const found = [pid];
  for (const parent of found) for (const [child, of] of parents) if (of === parent) found.push(child);
  return found.slice(1);
}
