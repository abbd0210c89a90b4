/** The functions of `api` on this machine, each called as Vercel calls it. */
import { serve } from "@hono/node-server";
import * as cron from "../api/cron.ts";
import * as welcome from "../api/welcome.ts";

type Functions = Readonly<Record<string, (request: Request) => Response | Promise<Response>>>;

const functions = new Map<string, Functions>([
  ["/api/cron", { ...cron }],
  ["/api/welcome", { ...welcome }],
]);

const fetch = (request: Request): Response | Promise<Response> => {
  const found = functions.get(new URL(request.url).pathname);
  return found?.[request.method]?.(request) ?? new Response(null, { status: found ? 405 : 404 });
};

serve({ fetch, port: Number(process.env.PORT ?? 3000) }, ({ port }) => console.log(`http://localhost:${port}`));
