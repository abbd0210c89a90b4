import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { Config } from "@asynqjs/worker-node";

/** What a worker tells of a run. */
export interface RunMessage {
  readonly id: string;
  readonly retryCount: number;
  readonly run: "started" | "ended";
}

export interface WorkerProcess {
  /** How it ended, once it has: `exit 0`, or the name of a signal. */
  readonly gone: Promise<string>;
  readonly how: string | null;
  kill(signal: NodeJS.Signals): void;
}

/** Starts a worker process; `onRun` is told of each handler that starts and ends in it. It ends with us, however we end. */
export function startWorker(redisUrl: string, config: Config, onRun: (message: RunMessage) => void): WorkerProcess {
  const file = path.join(import.meta.dirname, "worker.ts");
  // A process that aborts would leave its memory in the working directory where the machine is set so.
  const child = spawn("/bin/sh", ["-c", 'ulimit -c 0; exec "$@"', "sh", process.execPath, file, redisUrl, JSON.stringify(config)], {
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  child.on("message", (message) => onRun(message as RunMessage));
  const tell = (code: number | null, signal: string | null): string | null => signal ?? (code === null ? null : `exit ${code}`);
  return {
    gone: once(child, "exit").then(([code, signal]) => tell(code, signal)!),
    get how() {
      return tell(child.exitCode, child.signalCode);
    },
    kill: (signal) => void child.kill(signal),
  };
}
