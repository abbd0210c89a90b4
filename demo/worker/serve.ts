/** Builds the Workers and serves them. A process of its own, so that workerd ends whatever happens to the one that started us. */
import { shopClock } from "../shop-clock.ts";
import { build } from "./build.ts";
import type { CronMessage, WorkersReady } from "./messages.ts";
import { startWorkerd } from "./start-workerd.ts";

const { REDIS_HTTP_URL, ENQUEUE_TOKEN, CRON_TOKEN, OPENED_AT_MS, OUT_DIR } = process.env as Record<
  "REDIS_HTTP_URL" | "ENQUEUE_TOKEN" | "CRON_TOKEN" | "OPENED_AT_MS" | "OUT_DIR",
  string
>;

// Whoever started us is gone, however it ended. miniflare ends workerd on our exit.
process.on("disconnect", () => process.exit(1));

const tell = (message: WorkersReady | CronMessage): void => void process.send?.(message, undefined, undefined, () => {});

const [edge, cron] = await Promise.all([
  build("edge-worker", "wrangler.jsonc", OUT_DIR),
  build("cron-worker", "wrangler.cron.jsonc", OUT_DIR),
]);
const { url, ringEveryMinute } = await startWorkerd(
  {
    "edge-worker": { module: edge, env: { REDIS_HTTP_URL, REDIS_HTTP_TOKEN: ENQUEUE_TOKEN, OPENED_AT_MS } },
    "cron-worker": { module: cron, env: { REDIS_HTTP_URL, REDIS_HTTP_TOKEN: CRON_TOKEN, OPENED_AT_MS } },
  },
  shopClock(Number(OPENED_AT_MS)),
  tell,
);
tell({ url });
ringEveryMinute();
