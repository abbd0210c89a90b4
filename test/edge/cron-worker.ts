/** The Worker of `cron.test.ts` and `alarm.slow.test.ts`: each trigger that Cloudflare has, and the route for hono. */
import { DurableObject, env } from "cloudflare:workers";
import { fetchRedis } from "@asynqjs/core/redis/fetch";
import type { RunTicksOptions } from "@asynqjs/cron-fn";
import { TickAlarm } from "@asynqjs/cron-fn/alarm";
import { scheduled } from "@asynqjs/cron-fn/cloudflare";
import { cronRoutes } from "@asynqjs/cron-fn/cron-routes";
import { Hono } from "hono";

const redis = fetchRedis({ url: env.REDIS_URL!, token: env.REDIS_TOKEN!, maxTries: 2, timeoutMs: 1_000 });
const options: RunTicksOptions = JSON.parse(env.OPTIONS ?? "{}");

export class Ticks extends DurableObject {
  readonly #alarm = new TickAlarm(this.ctx.storage, { redis, ...options });

  start(): Promise<void> {
    return this.#alarm.start();
  }

  stop(): Promise<void> {
    return this.#alarm.stop();
  }

  alarm(): Promise<void> {
    return this.#alarm.ring();
  }
}

interface Env {
  readonly TICKS: { getByName(name: string): Ticks };
}

const app = new Hono<{ Bindings: Env }>();
app.route(
  "/api/cron",
  cronRoutes(() => ({ redis, ...options })),
);
for (const act of ["start", "stop"] as const)
  app.post(`/${act}`, async (c) => {
    await c.env.TICKS.getByName("ticks")[act]();
    return c.body(null, 204);
  });

export default { fetch: app.fetch, scheduled: scheduled(() => ({ redis, ...options })) };
