/** Vercel's trigger, and that of any cron that calls a URL: a route for hono. @module */
import { isSame, isSecret } from "@asynqjs/core";
import { type Context, Hono } from "hono";
import { env } from "hono/adapter";
import { tellError, tellReport } from "./tell-report.ts";
import { runSetup, type TickSetup } from "./tick-setup.ts";

/**
 * Makes an app with one route, `/`, to be mounted where your platform's cron calls: by GET, as Vercel's cron jobs do, or POST, with
 * `Authorization: Bearer <CRON_SECRET>`. The secret, at least 16 characters, is read from the environment of the platform at each call. Runs
 * what is due and answers the report as JSON: 200, 500 where a tick failed, 401 for a wrong secret, 405 for another method, and 503 where no
 * secret is set. A call that comes twice does no harm.
 */
export function cronRoutes(setUp: (c: Context) => TickSetup): Hono {
  const app = new Hono();
  app.on(["GET", "POST"], "/", async (c) => {
    c.header("Cache-Control", "no-store");
    const { CRON_SECRET: secret } = env<{ CRON_SECRET?: string }>(c);
    if (!isSecret(secret)) return c.json({ error: "no CRON_SECRET of 16 or more characters is set" }, 503);
    const presented = /^Bearer +(.+)$/i.exec(c.req.header("Authorization") ?? "")?.[1] ?? "";
    if (!(await isSame(presented, secret))) return c.json({ error: "unauthorized" }, 401, { "WWW-Authenticate": "Bearer" });
    try {
      const report = await runSetup(setUp(c));
      return c.body(tellReport(report), report.failed.length > 0 ? 500 : 200, { "Content-Type": "application/json" });
    } catch (error) {
      return c.json({ error: tellError(error) }, 500);
    }
  });
  app.all("/", (c) => c.json({ error: "expected GET or POST" }, 405, { Allow: "GET, POST" }));
  return app;
}
