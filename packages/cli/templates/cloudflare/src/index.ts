/** The Worker at the edge: it enqueues, and each minute it sees to what is due. The work itself is done by `worker.ts`, on Node. */
import { Client } from "@asynqjs/client-edge";
import { fetchRedis } from "@asynqjs/core/redis/fetch";
import { scheduled } from "@asynqjs/cron-fn/cloudflare";
import { Hono } from "hono";
import { welcome } from "./tasks.ts";

interface Env {
  readonly REDIS_URL: string;
  readonly REDIS_TOKEN: string;
}

let client: Client | undefined;
const app = new Hono<{ Bindings: Env }>();

app.post("/welcome", async (context) => {
  const { to } = await context.req.json<{ to?: unknown }>();
  if (typeof to !== "string") return context.json({ error: "to whom?" }, 400);
  client ??= new Client({ url: context.env.REDIS_URL, token: context.env.REDIS_TOKEN });
  const { id, state } = await client.enqueue(welcome({ to }), { maxRetry: 5, timeoutSec: 60 });
  return context.json({ id, state }, 202);
});

export default {
  fetch: app.fetch,
  scheduled: scheduled(({ REDIS_URL, REDIS_TOKEN }: Env) => ({ redis: fetchRedis({ url: REDIS_URL, token: REDIS_TOKEN }) })),
};
