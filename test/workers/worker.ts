/**
 * A worker as its user runs one: a process with a server on the machine's clock, which a signal shuts down. Arguments: the URI of Redis and a
 * `Config` as JSON. It tells whoever started it of its runs, and ends when that is gone.
 *
 * Its types of task: `abort` takes the process down; `work` takes as many milliseconds as its payload says and heeds no signal.
 * @module
 */
import { setTimeout } from "node:timers/promises";
import { type ProcessingTask, ServeMux, Server } from "@asynqjs/worker-node";
import type { RunMessage } from "./worker-process.ts";

const [redisUrl, config] = process.argv.slice(2);
const orphaned = (): void => process.exit(1);
process.once("disconnect", orphaned);

const tell = (message: RunMessage): void => void (process.connected && process.send!(message));
const mux = new ServeMux().handle("abort", () => process.abort()).handle("work", (task: ProcessingTask) => setTimeout(Number(task.text())));
mux.use((next) => async (task) => {
  const { id, retryCount } = task;
  tell({ id, retryCount, run: "started" });
  await next(task);
  tell({ id, retryCount, run: "ended" });
});

await new Server(redisUrl!, JSON.parse(config!)).run(mux);
process.off("disconnect", orphaned).disconnect();
