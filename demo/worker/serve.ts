/** Builds the edge Worker and serves it. A process of its own, so that workerd ends whatever happens to the one that started us. */
import { build } from "./build.ts";
import { startWorkerd } from "./start-workerd.ts";

const { REDIS_HTTP_URL, REDIS_HTTP_TOKEN, OUT_DIR } = process.env as Record<"REDIS_HTTP_URL" | "REDIS_HTTP_TOKEN" | "OUT_DIR", string>;

// Whoever started us is gone, however it ended. miniflare ends workerd on our exit.
process.on("disconnect", () => process.exit(1));

const url = await startWorkerd(await build(OUT_DIR), { REDIS_HTTP_URL, REDIS_HTTP_TOKEN });
process.send?.({ url });
