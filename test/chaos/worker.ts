/**
 * A worker of ours as its user runs one: a process with a server on the machine's clock. It is told by JSON in its first argument what to
 * do, tells of its runs on stdout as Go's does (`test/interop/peer/chaos.go`), and logs to stderr. SIGTERM shuts it down; it ends when its
 * stdin does, so with who started it at the latest.
 * @module
 */
import { writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type Config, type LogDetails, type ProcessingTask, Server } from "@asynqjs/worker-node";
import { machineMs } from "./machine-ms.ts";
import type { RunEvent } from "./worker-process.ts";

/** What a task's payload says; the same for Go. */
export interface ChaosPayload {
  /** How long the run takes. */
  readonly ms: number;
  /** Whether the first run fails. */
  readonly fails?: boolean;
  /** What is left as the result. */
  readonly result?: string;
  /** What nobody may say. */
  readonly canary: string;
}

export interface WorkerSettings {
  readonly redisUrl: string;
  readonly config: Config;
}

const { redisUrl, config } = JSON.parse(process.argv[2]!) as WorkerSettings;

/** At once: what was said before a SIGKILL arrives. */
const say = (event: Omit<RunEvent, "worker" | "atMs">): void => void writeSync(1, `${JSON.stringify({ ...event, atMs: machineMs() })}\n`);

/** What the server's log says of an outcome that did not come through. */
const outcomes: Readonly<Record<string, "refused" | "unwritten">> = { "outcome refused": "refused", "outcome not written": "unwritten" };

function log(level: string): (message: string, details?: LogDetails) => void {
  return (message, details = {}) => {
    process.stderr.write(`${level} ${message} ${JSON.stringify(details)}\n`);
    const event = outcomes[message.split(";")[0]!.split(":")[0]!];
    if (event !== undefined) say({ event, id: String(details.id), queue: String(details.queue) });
  };
}

async function handle(task: ProcessingTask): Promise<void> {
  const { id, queue, retryCount: retried } = task;
  const { ms, fails, result } = task.json<ChaosPayload>();
  say({ event: "start", id, queue, retried });
  task.signal.addEventListener("abort", () => say({ event: "lost", id, queue, why: (task.signal.reason as { code?: string }).code }));
  await sleep(ms);
  if (fails && retried === 0) {
    say({ event: "fail", id, queue, retried });
    throw new Error("the first run fails");
  }
  if (result !== undefined) await task.resultWriter.write(result).catch(() => {});
  say({ event: "end", id, queue, retried });
}

const logger = { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") };
const server = new Server(redisUrl, { logLevel: "debug", logger, retryDelayFunc: () => 100, ...config });
/** So often is it tried to start while Redis is not to be reached, as whoever runs it would. */
const starts = 5;
for (let left = starts; server.state === "new"; left--) {
  await server.start(handle).catch((error: Error) => {
    process.stderr.write(`cannot start: ${error.message}\n`);
    if (left <= 1) throw error;
  });
}
say({ event: "ready" });
const end = (): void => void server.shutdown().then(() => process.exit());
process.once("SIGTERM", end);
process.stdin.resume().once("end", () => process.exit());
