import { type Context, Hono } from "hono";
import { makeTokenCheck, presentedToken } from "./check-token.ts";
import { NoAnswerError, type NoAnswerReason, Refusal } from "./errors.ts";
import { makeEventStreams } from "./event-streams.ts";
import { type GatewayLimits, resolveLimits } from "./limits.ts";
import { type BatchKind, parseCommand, parseCommands } from "./parse-commands.ts";
import { readPathCommand, readPathNames } from "./path-command.ts";
import { makeBodyReader } from "./read-body.ts";
import { type GatewayLog, nodeTimer, type RedisLink } from "./redis-link.ts";
import { type ReplyFormat, renderReplies, renderReply } from "./render-reply.ts";
import type { Reply } from "./reply.ts";
import { type Door, runCommand, runPipeline, runTransaction } from "./run-commands.ts";
import type { SubscriptionKind } from "./subscriptions.ts";
import { makeSyncToken } from "./sync-token.ts";
import type { GatewayToken, Grant } from "./token.ts";

/** What {@link gatewayApp} needs. */
export interface GatewayAppOptions {
  /** The connection to Redis, from `openRedisLink`; the caller closes it. */
  readonly link: RedisLink;
  /** Accepted bearer tokens, at least one; two while one is replaced by the other. A token may have a role. */
  readonly tokens: readonly GatewayToken[];
  readonly limits?: Partial<GatewayLimits>;
  /** Told of failures of the gateway itself. */
  readonly log?: GatewayLog;
}

const statusOf = { "not-connected": 503, "connection-lost": 502, timeout: 504 } as const satisfies Record<NoAnswerReason, number>;

/**
 * The REST API as a Hono app, to be served or mounted: `POST /`, `/pipeline`, `/multi-exec`, `/subscribe/…`, `/psubscribe/…`, any other path
 * as a command, and `GET /health` without a token.
 *
 * @throws {GatewayOptionError} no usable token, or a limit out of range.
 */
export function gatewayApp({ link, tokens, limits: given, log = () => {} }: GatewayAppOptions): Hono {
  const limits = resolveLimits(given);
  const grantOf = makeTokenCheck(tokens);
  const withBody = makeBodyReader(limits, nodeTimer);
  const openStream = makeEventStreams(link.subscriptions, limits, nodeTimer);
  const syncToken = makeSyncToken();
  const door: Door = { link, syncToken, timeoutMs: limits.timeoutMs };
  const app = new Hono();
  let probe: Promise<boolean> | undefined;

  app.get("/health", async (c) => {
    // Anyone may ask, so all who ask at once share one PING.
    probe ??= pings(link, limits).finally(() => {
      probe = undefined;
    });
    return (await probe) ? c.json({ redis: "up" }) : c.json({ redis: "down" }, 503);
  });

  /** Who asks, by which verb; in this order, so that a stranger learns nothing else. */
  const admit = (c: Context, verbs: readonly string[]): Grant => {
    const grant = grantOf(presentedToken(c.req.header("authorization"), c.req.url));
    if (grant === undefined) throw new Refusal(401, "WRONGPASS invalid or missing auth token");
    if (!verbs.includes(c.req.method)) {
      c.header("Allow", verbs.join(", "));
      throw new Refusal(405, "ERR method not allowed");
    }
    return grant;
  };
  const answer = (c: Context, status: 200 | 400, format: ReplyFormat, body: string | Buffer): Response => {
    c.header("upstash-sync-token", syncToken.now());
    return send(c, status, format === "resp2" ? "application/octet-stream" : "application/json", body);
  };
  const answerOne = (c: Context, format: ReplyFormat, reply: Reply): Response =>
    answer(c, reply.kind === "error" ? 400 : 200, format, renderReply(reply, format));

  app.all("/", (c) => {
    const grant = admit(c, ["POST", "PUT"]);
    const format = readFormat(c);
    return withBody(c.req.raw, async (body) => answerOne(c, format, await runCommand(door, grant, parseCommand(body))));
  });

  const batch = (path: string, kind: BatchKind, run: typeof runTransaction): void => {
    app.all(path, (c) => {
      const grant = admit(c, ["POST", "PUT"]);
      const format = readFormat(c);
      if (kind === "transaction" && format === "resp2") throw new Refusal(400, "ERR /multi-exec answers in JSON only");
      return withBody(c.req.raw, async (body) => {
        const replies = await run(door, grant, parseCommands(body, kind, limits.maxCommands));
        return answer(c, 200, format, renderReplies(replies, format));
      });
    });
  };
  batch("/pipeline", "pipeline", runPipeline);
  batch("/multi-exec", "transaction", runTransaction);

  const stream = (kind: SubscriptionKind): void => {
    app.all(`/${kind}/*`, async (c) => {
      const grant = admit(c, ["GET", "POST", "PUT"]);
      if (grant.role === "enqueue") throw new Refusal(403, "NOPERM this token only enqueues");
      const events = await openStream(kind, readPathNames(targetOf(c, `/${kind}`)));
      return c.body(events, 200, {
        "Content-Type": "text/event-stream",
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",
        // Nothing follows a stream that ended; a closing gateway need not wait for the client to see that.
        Connection: "close",
        "upstash-sync-token": syncToken.now(),
      });
    });
  };
  stream("subscribe");
  stream("psubscribe");

  app.all("/*", (c) => {
    const grant = admit(c, ["GET", "HEAD", "POST", "PUT"]);
    const format = readFormat(c);
    const run = async (body: Buffer): Promise<Response> =>
      answerOne(c, format, await runCommand(door, grant, readPathCommand(targetOf(c, ""), body)));
    return c.req.method === "GET" || c.req.method === "HEAD" ? run(Buffer.alloc(0)) : withBody(c.req.raw, run);
  });

  app.onError((error, c) => {
    if (error instanceof Refusal) {
      if (error.status === 401) c.header("WWW-Authenticate", "Bearer");
      // What the client still has to send would stand before its next request.
      if (error.status === 413 || error.status === 408) c.header("Connection", "close");
      return send(c, error.status, "application/json", errorBody(error.message));
    }
    if (error instanceof NoAnswerError) return send(c, statusOf[error.reason], "application/json", errorBody(`ERR ${error.message}`));
    log("warn", `internal error: ${error.name}`);
    return send(c, 500, "application/json", errorBody("ERR internal error"));
  });
  return app;
}

/** How the client wants its answer. @throws {Refusal} 400: in no way that is served, or in two at once. */
function readFormat(c: Context): ReplyFormat {
  const format = c.req.header("upstash-response-format")?.toLowerCase() ?? "json";
  const base64 = c.req.header("upstash-encoding")?.toLowerCase() === "base64";
  if (format === "json") return base64 ? "base64" : "text";
  if (format !== "resp2") throw new Refusal(400, "ERR unsupported Upstash-Response-Format");
  if (base64) throw new Refusal(400, "ERR Upstash-Encoding base64 is not for the Upstash-Response-Format resp2");
  return "resp2";
}

/** The path and query as the client wrote them, from where the app is mounted. */
function targetOf(c: Context, route: string): string {
  const { url } = c.req;
  const mount = c.req.routePath.slice(0, -`${route}/*`.length);
  return url.slice(url.indexOf("/", url.indexOf("//") + 2) + mount.length);
}

/** Of a token in the URL a cache would know the whole question. */
function send(c: Context, status: 200 | Refusal["status"] | 500 | 502 | 503 | 504, type: string, body: string | Buffer): Response {
  return c.body(body as string, status, { "Content-Type": type, "Cache-Control": "no-store" });
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
