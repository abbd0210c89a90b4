/** The app: it answers at once, and leaves the work to the worker. */
import { Client } from "@asynqjs/client-edge";
import { redisPort } from "@asynqjs/worker-node/redis";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { welcome } from "./tasks.ts";

const client = new Client({ redis: redisPort(process.env.REDIS_URI!) });
const app = new Hono();

app.post("/welcome", async (context) => {
  const { to } = await context.req.json<{ to?: unknown }>();
  if (typeof to !== "string") return context.json({ error: "to whom?" }, 400);
  const { id, state } = await client.enqueue(welcome({ to }), { maxRetry: 5, timeoutSec: 60 });
  return context.json({ id, state }, 202);
});

serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) }, ({ port }) => console.log(`http://localhost:${port}`));
