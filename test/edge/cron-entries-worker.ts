/** The Worker of `cron-entries.test.ts`: cron entries changed from the edge, and fired by its cron trigger. */
import { env } from "cloudflare:workers";
import { correctedClock, makeBroker, systemClock, systemRandom } from "@asynqjs/core";
import {
  addCronEntry,
  editCronEntry,
  listCronEntries,
  pauseCronEntry,
  readCronEntry,
  reconcileCronEntries,
  removeCronEntry,
  resumeCronEntry,
  runCronEntry,
} from "@asynqjs/core/cron";
import { fetchRedis } from "@asynqjs/core/redis/fetch";
import { slotsBetween } from "@asynqjs/cron-fn";
import { scheduled } from "@asynqjs/cron-fn/cloudflare";
import { Hono } from "hono";

const redis = fetchRedis({ url: env.REDIS_URL!, token: env.REDIS_TOKEN! });
const broker = makeBroker({ redis, clock: correctedClock(systemClock), random: systemRandom });
const by = { slotsBetween };

const app = new Hono();
app.get("/entries", async (c) => c.json((await listCronEntries(broker)).entries));
app.post("/entries", async (c) => c.json(await addCronEntry(broker, await c.req.json())));
app.put("/entries", async (c) => c.json(await reconcileCronEntries(broker, "the deploy", await c.req.json(), by)));
app.patch("/entries/:id", async (c) => {
  const read = await readCronEntry(broker, c.req.param("id"));
  return c.json(await editCronEntry(broker, read, await c.req.json(), by));
});
app.post("/entries/:id/pause", async (c) => c.json(await pauseCronEntry(broker, c.req.param("id"), by)));
app.post("/entries/:id/resume", async (c) => c.json(await resumeCronEntry(broker, c.req.param("id"))));
app.post("/entries/:id/run", async (c) => c.json((await runCronEntry(broker, c.req.param("id"))).id));
app.delete("/entries/:id", async (c) => {
  await removeCronEntry(broker, c.req.param("id"));
  return c.body(null, 204);
});
app.onError((error, c) => c.json({ code: (error as { code?: string }).code, message: error.message }, 400));

export default { fetch: app.fetch, scheduled: scheduled(() => ({ redis })) };
