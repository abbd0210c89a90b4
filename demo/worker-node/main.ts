/** The shop's back: a Node process that takes the tasks and does the work, and nothing else. */
import { ServeMux, Server } from "@asynqjs/worker-node";
import { mailType, queues, reportType, thumbnailType } from "../shop.ts";
import { shopClock } from "../shop-clock.ts";
import { makeThumbnail } from "./make-thumbnail.ts";
import { tell } from "./messages.ts";
import { sendMail } from "./send-mail.ts";
import { sendReport } from "./send-report.ts";
import { tellRuns } from "./tell-runs.ts";

const { REDIS_URL = "redis://127.0.0.1:6379", OUT_DIR = "out", OPENED_AT_MS = String(Date.now()) } = process.env;

// Whoever started us is gone, however it ended, and Redis with it.
process.on("disconnect", () => process.exit(1));

const mux = new ServeMux()
  .use(tellRuns)
  .handle(thumbnailType, (task) => makeThumbnail(task, OUT_DIR))
  .handle(mailType, (task) => sendMail(task, OUT_DIR))
  .handle(reportType, (task) => sendReport(task, OUT_DIR));

const server = new Server(REDIS_URL, {
  concurrency: 4,
  queues,
  clock: shopClock(Number(OPENED_AT_MS)),
  // All maintenance is the cron Worker's: what is due, what a lost worker held, what is over. Without an aggregator it gathers nothing either.
  delayedTaskCheckIntervalMs: false,
  recoverIntervalMs: false,
  janitorIntervalMs: false,
  repairIntervalMs: false,
});

// `run` ends after SIGTERM or SIGINT, with every outcome written.
await Promise.all([server.run(mux), server.ping().then(() => tell({ kind: "ready" }))]);
process.exit(0);
