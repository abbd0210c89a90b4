/** Runs what is due, each time Vercel's cron calls: `GET /api/cron` with `Authorization: Bearer <CRON_SECRET>`. */
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
export const POST = GET;
