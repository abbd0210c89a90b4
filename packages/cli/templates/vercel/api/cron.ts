/** `GET /api/cron`, called by Vercel each minute with `Authorization: Bearer $CRON_SECRET`: sees to what is due. */
import { fetchRedis } from "@asynqjs/core/redis/fetch";
import { cronRoutes } from "@asynqjs/cron-fn/cron-routes";
import { Hono } from "hono";

const app = new Hono();
app.route(
  "/api/cron",
  cronRoutes(() => ({
    redis: fetchRedis({ url: process.env.REDIS_URL!, token: process.env.REDIS_TOKEN! }),
    // It takes on no more after 45 s, and ends before maxDuration.
    budgetMs: 45_000,
  })),
);

export const GET = (request: Request): Response | Promise<Response> => app.fetch(request);
