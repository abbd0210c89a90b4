import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { metricsContentType, renderMetrics } from "@asynqjs/core";
import type { Inspector } from "@asynqjs/core/inspector";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError, exitCodes, lineOf } from "../exit-codes.ts";
import { addExamples } from "../help.ts";
import { untilAborted } from "../until-aborted.ts";
import { wholeNumber } from "./read-flag.ts";

interface Flags {
  readonly serve?: true;
  readonly host: string;
  readonly port: number;
}

/** What Asynq has as a program of its own. @see Asynq tools/metrics_exporter/main.go */
export function addMetrics(program: Command, context: CliContext): void {
  const metrics = program
    .command("metrics")
    .description("print how all queues stand, for Prometheus; or serve it at /metrics until it is told to stop")
    .option("--serve", "serve it over HTTP")
    .option("--host <host>", "the address to serve it at; 0.0.0.0 is all", "127.0.0.1")
    .option("--port <number>", "the port to serve it at; 0 takes a free one", wholeNumber(0, 65_535), 9876)
    .action((flags: Flags) => (flags.serve ? serve(context, flags) : print(context)));
  addExamples(metrics, "asynqjs metrics", "asynqjs metrics --serve --host=0.0.0.0 --port=9876");
}

async function print(context: CliContext): Promise<void> {
  const metrics = await (await context.inspector()).metrics();
  if (context.json) context.printJson(metrics);
  else context.stdout.write(renderMetrics(metrics));
}

/** Every request asks Redis. One that Redis does not answer is a 503, and said; the next is asked again. */
async function serve(context: CliContext, { host, port }: Flags): Promise<void> {
  const signal = context.untilStopped();
  const inspector = await context.inspector();
  const server = createServer((request, response) => {
    const answer = (status: number, text: string, type = "text/plain; charset=utf-8"): void => {
      response.writeHead(status, { "content-type": type }).end(request.method === "HEAD" ? undefined : text);
    };
    if (new URL(request.url ?? "/", "http://localhost").pathname !== "/metrics") return answer(404, "see /metrics\n");
    if (request.method !== "GET" && request.method !== "HEAD") return answer(405, "expected GET\n");
    scrape(inspector, signal).then(
      (text) => answer(200, text, metricsContentType),
      (error: unknown) => {
        context.warn(`asynqjs: ${lineOf(error)}`);
        answer(503, "redis did not answer\n");
      },
    );
  });
  const url = await listen(server, host, port);
  context.warn(`metrics at ${url}/metrics`);
  await untilAborted(signal);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}

async function scrape(inspector: Inspector, signal: AbortSignal): Promise<string> {
  return renderMetrics(await inspector.metrics({ signal }));
}

function listen(server: Server, host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(new CliError(exitCodes.failed, `cannot serve at ${host}:${port}: ${lineOf(error)}`, error)));
    server.listen(port, host, () => resolve(`http://${host.includes(":") ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`));
  });
}
