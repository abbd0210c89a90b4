/** Answers a platform's probes, and Prometheus. */
import { once } from "node:events";
import { createServer } from "node:http";
import { renderMetrics } from "@asynqjs/core";
import { serverMetrics } from "@asynqjs/worker-node";

/**
 * `/livez`: whether it should go on: 503 where handlers that never end have taken up so much that it takes no more, so that only a new process
 * helps. Redis is not asked: no restart brings it back. `/readyz`: whether it takes tasks: it runs, and Redis answers. `/metrics`: for Prometheus.
 */
export async function serveHealth(server, host, port) {
  const answers = {
    "/livez": () => [server.metrics().healthy ? 200 : 503, server.metrics().healthy ? "ok" : "too many handlers never ended"],
    "/readyz": async () => {
      if (server.state !== "active") return [503, server.state];
      return server.ping().then(
        () => [200, "ok"],
        () => [503, "redis does not answer"],
      );
    },
    "/metrics": () => [200, renderMetrics(serverMetrics(server.metrics()))],
  };
  const http = createServer(async (request, response) => {
    const [status, text] = (await answers[request.url]?.()) ?? [404, "not found"];
    response.writeHead(status, { "Content-Type": "text/plain; version=0.0.4" }).end(`${text}\n`);
  });
  await once(http.listen(port, host), "listening");
  return { close: () => http.close().closeAllConnections() };
}
