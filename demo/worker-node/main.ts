/** The shop's back: a Node process that takes the tasks and does the work. */
import { ServeMux, Server } from "@asynqjs/worker-node";
import { mailType, queues, thumbnailType } from "../shop.ts";
import { makeThumbnail } from "./make-thumbnail.ts";
import { tell } from "./messages.ts";
import { sendMail } from "./send-mail.ts";
import { tellRuns } from "./tell-runs.ts";

const { REDIS_URL = "redis://127.0.0.1:6379", OUT_DIR = "out" } = process.env;

// Whoever started us is gone, however it ended, and Redis with it.
process.on("disconnect", () => process.exit(1));

const mux = new ServeMux()
  .use(tellRuns)
  .handle(thumbnailType, (task) => makeThumbnail(task, OUT_DIR))
  .handle(mailType, (task) => sendMail(task, OUT_DIR));

const server = new Server(REDIS_URL, {
  concurrency: 4,
  queues,
  // The demo is in a hurry: Asynq's own delays are from 15 s on, its timers from 1 to 5 s.
  retryDelayFunc: () => 300 + 500 * Math.random(),
  taskCheckIntervalMs: 100,
  // What is due is the cron Worker's to find.
  delayedTaskCheckIntervalMs: false,
});

// `run` ends after SIGTERM or SIGINT, with every outcome written.
await Promise.all([server.run(mux), server.ping().then(() => tell({ kind: "ready" }))]);
process.exit(0);
