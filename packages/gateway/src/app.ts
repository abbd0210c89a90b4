import { type Context, Hono } from "hono";
import { makeTokenCheck } from "./check-token.ts";
import { NoAnswerError, type NoAnswerReason, Refusal } from "./errors.ts";
import { type GatewayLimits, resolveLimits } from "./limits.ts";
import { parseCommand, parseCommands } from "./parse-commands.ts";
import { readBody } from "./read-body.ts";
import type { GatewayLog, RedisLink } from "./redis-link.ts";
import { type ReplyEncoding, renderBody } from "./render-reply.ts";
import { runCommand, runPipeline, runTransaction } from "./run-commands.ts";

/** What {@link gatewayApp} needs. */
export interface GatewayAppOptions {
  /** The connection to Redis, from `openRedisLink`; the caller closes it. */
  readonly link: RedisLink;
  /** Accepted bearer tokens, at least one; two while one is replaced by the other. */
  readonly tokens: readonly string[];
  readonly limits?: Partial<GatewayLimits>;
  /** Told of failures of the gateway itself. */
  readonly log?: GatewayLog;
}

const statusOf = { "not-connected": 503, "connection-lost": 502, timeout: 504 } as const satisfies Record<NoAnswerReason, number>;

/**
 * The REST API as a Hono app, to be served or mounted: `POST /`, `/pipeline`, `/multi-exec`, and `GET /health` without a token.
 *
 * @throws {GatewayOptionError} no usable token, or a limit out of range.
 */
export function gatewayApp({ link, tokens, limits: given, log = () => {} }: GatewayAppOptions): Hono {
  const limits = resolveLimits(given);
  const allows = makeTokenCheck(tokens);
  const app = new Hono();
  let probe: Promise<boolean> | undefined;

  app.get("/health", async (c) => {
    // Anyone may ask, so all who ask at once share one PING.
    probe ??= pings(link, limits).finally(() => {
      probe = undefined;
    });
    return (await probe) ? c.json({ redis: "up" }) : c.json({ redis: "down" }, 503);
  });

  app.use(async (c, next) => {
    if (!allows(c.req.header("authorization"))) throw new Refusal(401, "WRONGPASS invalid or missing auth token");
    const format = c.req.header("upstash-response-format")?.toLowerCase() ?? "json";
    if (format !== "json") throw new Refusal(400, "ERR unsupported Upstash-Response-Format");
    await next();
  });

  const endpoint = (path: string, run: (body: Buffer, encoding: ReplyEncoding) => Promise<Answer>): void => {
    app.on(["POST", "PUT"], path, async (c) => {
      const encoding = c.req.header("upstash-encoding")?.toLowerCase() === "base64" ? "base64" : "text";
      const { body, status } = await run(await readBody(c.req.raw, limits.maxBodyBytes), encoding);
      return json(c, status, body);
    });
    app.all(path, (c) => {
      c.header("Allow", "POST, PUT");
      return json(c, 405, errorBody("ERR method not allowed"));
    });
  };

  endpoint("/", async (body, encoding) => {
    const reply = await runCommand(link, parseCommand(body), limits.timeoutMs);
    return { status: reply.kind === "error" ? 400 : 200, body: renderBody(reply, encoding) };
  });
  endpoint("/pipeline", async (body, encoding) => {
    const commands = parseCommands(body, "pipeline", limits.maxCommands);
    return list(await runPipeline(link, commands, limits.timeoutMs), encoding);
  });
  endpoint("/multi-exec", async (body, encoding) => {
    const commands = parseCommands(body, "transaction", limits.maxCommands);
    return list(await runTransaction(link, commands, limits.timeoutMs), encoding);
  });

  app.notFound((c) => json(c, 404, errorBody("ERR unknown path")));
  app.onError((error, c) => {
    if (error instanceof Refusal) {
      if (error.status === 401) c.header("WWW-Authenticate", "Bearer");
      // What the client still has to send would stand before its next request.
      if (error.status === 413) c.header("Connection", "close");
      return json(c, error.status, errorBody(error.message));
    }
    if (error instanceof NoAnswerError) return json(c, statusOf[error.reason], errorBody(`ERR ${error.message}`));
    log("warn", `internal error: ${error.name}`);
    return json(c, 500, errorBody("ERR internal error"));
  });
  return app;
}

interface Answer {
  readonly status: 200 | 400;
  readonly body: string;
}

function list(replies: Awaited<ReturnType<typeof runTransaction>>, encoding: ReplyEncoding): Answer {
  return { status: 200, body: `[${replies.map((reply) => renderBody(reply, encoding)).join(",")}]` };
}

function json(c: Context, status: 200 | 400 | 401 | 404 | 405 | 413 | 500 | 502 | 503 | 504, body: string): Response {
  return c.body(body, status, { "Content-Type": "application/json" });
}

function errorBody(error: string): string {
  return JSON.stringify({ error });
}

async function pings(link: RedisLink, { timeoutMs }: GatewayLimits): Promise<boolean> {
  try {
    const [reply] = await link.send([["PING"]], Math.min(timeoutMs, 2_000));
    return reply?.kind === "status";
  } catch {
    return false;
  }
}
