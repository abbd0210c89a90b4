/**
 * The suites' `test`: a Redis, real Go Asynq in processes of its own, and ours. A suite says on which Go programs it runs.
 */
import { fileURLToPath } from "node:url";
import { Client } from "@asynqjs/client-edge";
import { startGateway } from "@asynqjs/gateway";
import { type Config, type Handler, Server } from "@asynqjs/worker-node";
import { describe, inject } from "vitest";
import { test as redisTest } from "../support/redis-test.ts";
import { GoPeer, goRedis } from "./go-peer.ts";
import type { BuiltPrograms, GoProgram, GoVersion } from "./go-programs.ts";
import { JsonProcess } from "./json-process.ts";
import type { NodeWorkerConfig } from "./node-worker.ts";

export { expect } from "vitest";
export { goVersions } from "./go-programs.ts";

/** What a worker process tells: that it is ready, then each run as it begins. Bytes are base64. */
export type WorkerLine = { readonly event: "ready" } | Run;

interface Run {
  readonly event: "run";
  readonly id: string;
  readonly queue: string;
  readonly type: string;
  readonly payload: string | null;
  readonly headers: Readonly<Record<string, string>> | null;
  readonly retried: number;
  readonly maxRetry: number;
  readonly deadlineSec: number;
}

/** A worker in a process of its own. */
export type Worker = JsonProcess<WorkerLine>;

/** What a suite may choose of a Go server. */
interface GoWorkerConfig {
  readonly queues?: Readonly<Record<string, number>>;
  readonly concurrency?: number;
  readonly retryDelayMs?: number;
  /** Groups become one task of type `aggregated`, its payload the JSON list of theirs; the group `hang` is never done. */
  readonly aggregate?: boolean;
  /** A set has at most so many tasks. */
  readonly groupMaxSize?: number;
  /** v0.24.1 has no such setting: its janitor comes every 8 s. */
  readonly janitorIntervalMs?: number;
}

interface InteropFixtures {
  /** Which library Go is linked with. */
  readonly goVersion: GoVersion;
  /** Go's client and inspector. */
  readonly go: GoPeer;
  /** Starts a Go server, whose handler does what the task's type says: `echo`, `fail`, `skip`, `nap`, `fail-late`, `wait` (until it is canceled), `hang`; `acquire` (a token of `x/rate`); anything else succeeds. */
  readonly startGoWorker: (config?: GoWorkerConfig) => Promise<Worker>;
  /** Starts a server of ours in a process of its own, whose handler takes as many milliseconds as the payload says. */
  readonly startNodeWorker: (config: Omit<NodeWorkerConfig, "redisUrl">) => Promise<Worker>;
  /** Our edge client, over HTTP. */
  readonly client: Client;
  /** Starts a server of ours, on the machine's clock: Go's cannot be told the time. */
  readonly startServer: (handler: Handler, config?: Config) => Promise<Server>;
}

const interopTest = redisTest.extend<InteropFixtures>({
  goVersion: "v0.26.0",
  go: async ({ redisUrl, goVersion }, use) => {
    const peer = new GoPeer(programFile(goVersion), redisUrl);
    await use(peer);
    await peer.end();
  },
  startGoWorker: async ({ redisUrl, goVersion }, use) => {
    const settings = { redis: goRedis(redisUrl), queues: { default: 1 }, concurrency: 10 };
    const workers = workersOf(programFile(goVersion));
    await use((config) => workers.start("work", JSON.stringify({ ...settings, ...config })));
    await workers.killAll();
  },
  startNodeWorker: async ({ redisUrl }, use) => {
    const workers = workersOf(process.execPath);
    await use((config) =>
      workers.start(fileURLToPath(new URL("node-worker.ts", import.meta.url)), JSON.stringify({ redisUrl, ...config })),
    );
    await workers.killAll();
  },
  client: async ({ redisUrl }, use) => {
    const token = "a-token-that-only-these-tests-know";
    const gateway = await startGateway({ redis: redisUrl, tokens: [token], port: 0 });
    const client = new Client({ url: gateway.url, token });
    await use(client);
    await client.close();
    await gateway.close();
  },
  startServer: async ({ redisUrl }, use) => {
    const servers: Server[] = [];
    await use(async (handler, config = {}) => {
      const server = new Server(redisUrl, { concurrency: 10, taskCheckIntervalMs: 20, logLevel: "fatal", ...config });
      servers.push(server);
      await server.start(handler);
      return server;
    });
    await Promise.all(servers.map((server) => server.shutdown()));
  },
});

/** Starts workers of a program, and kills them all: a handler that hangs would make Go wait for it. */
function workersOf(file: string): { start(...args: readonly string[]): Promise<Worker>; killAll(): Promise<void> } {
  const workers: Worker[] = [];
  return {
    async start(...args) {
      const worker: Worker = new JsonProcess(file, args);
      workers.push(worker);
      await worker.told(({ event }) => event === "ready");
      return worker;
    },
    async killAll() {
      await Promise.all(workers.map((worker) => worker.end("SIGKILL")));
    },
  };
}

/** A suite of tests, once for each Go program named; where one could not be built its tests are skipped, and the run says why. */
export function onGo(programs: readonly GoProgram[], suite: (test: typeof interopTest, file: string) => void): void {
  for (const name of programs) {
    const program = inject("goPrograms")[name];
    const test = name.startsWith("v") ? interopTest.extend({ goVersion: name as GoVersion }) : interopTest;
    if ("file" in program) describe(name, () => suite(test, program.file));
    else describe.skip(name, () => suite(test, ""));
  }
}

function programFile(name: GoProgram): string {
  const program = inject("goPrograms")[name];
  if ("missing" in program) throw new Error(program.missing);
  return program.file;
}

declare module "vitest" {
  interface ProvidedContext {
    /** The Go programs, built by `npm run interop`. */
    goPrograms: BuiltPrograms;
  }
}
