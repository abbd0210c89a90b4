/** The cases' `test`: real Redis with a password, workers in processes of their own, and a folder for all that is said. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import type { Config } from "@asynqjs/worker-node";
import { Redis } from "ioredis";
import { test as base, inject, type TestAPI } from "vitest";
import { goRedis } from "../interop/go-peer.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import type { Canaries } from "./canaries.ts";
import type { PartedNetwork } from "./part-network.ts";
import type { ChaosPayload, WorkerSettings } from "./worker.ts";
import { type WorkerCommand, WorkerProcess } from "./worker-process.ts";

export { expect } from "vitest";

/** A Redis with a password, and how to reach it: straight, or by another port that leads to it. */
export interface LabRedis {
  /** The one that runs now. */
  readonly server: RedisServer;
  readonly url: string;
  /** Its URL by another port that leads to it, or from elsewhere. */
  via(port: number, host?: string): string;
  /** A connection of the test's own, closed with it. */
  readonly admin: Redis;
  /** What it keeps on disk, if it is told to keep anything. */
  readonly disk: string;
  /** Kills it and starts it again at the same place, on the same disk; `between` is called while it is away. */
  restart(between?: () => void | Promise<void>): Promise<void>;
}

export interface Lab {
  /** Where this test's logs go. */
  readonly dir: string;
  readonly canaries: Canaries;
  /** Starts a Redis, ended with the test; it keeps nothing on disk unless told otherwise. */
  startRedis(options?: { readonly args?: readonly string[] }): Promise<LabRedis>;
  /** Starts a worker of ours, whose handler does what a {@link ChaosPayload} says, and waits until it takes tasks. */
  startWorker(redisUrl: string, config?: Config, where?: Pick<PartedNetwork, "within">): Promise<WorkerProcess>;
  /** The same of real Asynq. */
  startGoWorker(redisUrl: string, config?: Readonly<Record<string, unknown>>): Promise<WorkerProcess>;
  /** Those that were started. */
  readonly workers: readonly WorkerProcess[];
  /** A payload with a canary in it. */
  payload(does: Omit<ChaosPayload, "canary">): ChaosPayload;
  /** Keeps an error, with all that it shows of itself, where canaries are looked for. */
  note(error: unknown): void;
  /** Says in a line what was seen; `main.ts` prints it with the case. */
  report(figures: Readonly<Record<string, unknown>>): void;
}

/** Intervals short enough for a test; leases are as long as ever. */
const quick: Config = {
  taskCheckIntervalMs: 100,
  delayedTaskCheckIntervalMs: 200,
  recoverIntervalMs: 500,
  repairIntervalMs: 1_000,
};

export const test: TestAPI<{ readonly lab: Lab }> = base.extend<{ readonly lab: Lab }>({
  lab: async ({ task }, use) => {
    const { dir: runDir, canaries, go } = inject("chaos");
    const dir = path.join(runDir, task.name.replaceAll(/[^\w]+/g, "-").slice(0, 60));
    mkdirSync(dir, { recursive: true });
    const workers: WorkerProcess[] = [];
    const ends: (() => Promise<unknown>)[] = [];

    async function start(kind: string, command: WorkerCommand): Promise<WorkerProcess> {
      const worker = new WorkerProcess(dir, `${kind}-${workers.length}`, command);
      workers.push(worker);
      return worker.ready();
    }

    await use({
      dir,
      canaries,
      workers,
      async startRedis({ args = [] } = {}) {
        const password = canaries["redis-password"];
        // What is on it is no log: canaries may be there.
        const disk = mkdtempSync(path.join(tmpdir(), "asynqjs-disk-"));
        const start = (port?: number): Promise<RedisServer> =>
          startRedis({ args: ["--requirepass", password, "--dir", disk, ...args], ...(port === undefined ? {} : { port }) });
        let server = await start();
        const { port } = server;
        const via = (port: number, host = "127.0.0.1"): string => `redis://:${password}@${host}:${port}/0`;
        const admin = new Redis(via(port), { protocol: 2, retryStrategy: () => 50, maxRetriesPerRequest: null });
        admin.on("error", () => {});
        ends.push(async () => {
          admin.disconnect();
          await server.stop();
          rmSync(disk, { recursive: true, force: true });
        });
        return {
          get server() {
            return server;
          },
          ...{ url: via(port), via, admin, disk },
          async restart(between) {
            await server.kill("SIGKILL");
            await server.stop();
            await between?.();
            server = await start(port);
          },
        };
      },
      startWorker(redisUrl, config = {}, where) {
        const settings: WorkerSettings = { redisUrl, config: { concurrency: 10, ...quick, ...config } };
        const args = [fileURLToPath(new URL("worker.ts", import.meta.url)), JSON.stringify(settings)];
        const command = { file: process.execPath, args };
        return start("node", where?.within(command) ?? command);
      },
      startGoWorker(redisUrl, config = {}) {
        if ("missing" in go) throw new Error(`no Go worker: ${go.missing}`);
        const settings = { redis: goRedis(redisUrl), queues: { default: 1 }, concurrency: 10, retryDelayMs: 100, chaos: true };
        return start("go", { file: go.file, args: ["work", JSON.stringify({ ...settings, ...config })] });
      },
      payload: (does) => ({ ...does, canary: canaries.payload }),
      note: (error) =>
        appendFileSync(path.join(dir, "errors.log"), `${inspect(error, { depth: 8, showHidden: true, maxStringLength: null })}\n`),
      report: (figures) => appendFileSync(path.join(runDir, "figures.jsonl"), `${JSON.stringify({ case: task.name, figures })}\n`),
    });
    await Promise.all(workers.map((worker) => worker.end("SIGKILL").finally(() => worker.close())));
    for (const end of ends) await end();
  },
});
