/**
 * A server of ours in a process of its own, told what to do by JSON in its first argument, telling of each run as the Go peer does. SIGTERM
 * shuts it down; it ends when its stdin does.
 * @module
 */
import { writeSync } from "node:fs";
import { Server } from "@asynqjs/worker-node";
import type { WorkerLine } from "./interop-test.ts";

export interface NodeWorkerConfig {
  readonly redisUrl: string;
  readonly concurrency: number;
}

const { redisUrl, concurrency } = JSON.parse(process.argv[2]!) as NodeWorkerConfig;

/** At once: what was said before a SIGKILL arrives. */
const say = (line: WorkerLine): void => void writeSync(1, `${JSON.stringify(line)}\n`);

const server = new Server(redisUrl, {
  concurrency,
  taskCheckIntervalMs: 20,
  delayedTaskCheckIntervalMs: 100,
  recoverIntervalMs: 500,
  logLevel: "fatal",
});
await server.start(async (task) => {
  const { id, queue, type, headers, retryCount: retried, maxRetry, deadline } = task;
  const payload = Buffer.from(task.payload).toString("base64");
  say({ event: "run", id, queue, type, payload, headers, retried, maxRetry, deadlineSec: Math.floor(deadline.getTime() / 1000) });
  await new Promise((resolve) => setTimeout(resolve, Number(task.text())));
});
say({ event: "ready" });
process.once("SIGTERM", () => void server.shutdown().then(() => process.exit()));
process.stdin.resume().once("end", () => process.exit());
