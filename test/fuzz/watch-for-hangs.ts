import { Worker } from "node:worker_threads";

export interface Watch {
  /** Tells which input is fed now. */
  at(input: number): void;
  stop(): void;
}

/** So long no input takes, on however busy a machine. */
const mostMs = 60_000;

/** A thread that says which input hangs, and ends the process: nobody else can while its own thread hangs. */
export function watchForHangs(name: string, seed: number): Watch {
  const now = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL("./hang-watcher.ts", import.meta.url), { workerData: { now, name, seed, mostMs, pid: process.pid } });
  worker.unref();
  return {
    at: (input) => Atomics.store(now, 0, input),
    stop: () => void worker.terminate(),
  };
}
