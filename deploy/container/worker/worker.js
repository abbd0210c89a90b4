/** A worker, and what asks after its health. The handlers are yours to change. */
import { readFileSync } from "node:fs";
import { ServeMux, Server, SkipRetry } from "@asynqjs/worker-node";
import { serveHealth } from "./health.js";

const { REDIS_URI, REDIS_URI_FILE, CONCURRENCY = "10", HEALTH_HOST = "127.0.0.1", HEALTH_PORT = "8080" } = process.env;

const mux = new ServeMux();
mux.handle("email:welcome", async (task) => {
  const { to } = task.json();
  if (!to) throw new SkipRetry("no address");
  console.log(`welcome, ${to}`);
});

const server = new Server(REDIS_URI_FILE ? readFileSync(REDIS_URI_FILE, "utf8").trim() : REDIS_URI, {
  concurrency: Number(CONCURRENCY),
  queues: { critical: 6, default: 3 },
});

const health = await serveHealth(server, HEALTH_HOST, Number(HEALTH_PORT));
try {
  // Until SIGTERM or SIGINT: then it takes no more, and has 8 s to finish what it has.
  await server.run(mux);
} finally {
  health.close();
}
