/**
 * Measures what the client costs a fresh isolate: `node scripts/run.mjs node test/edge/cold-start.ts`. Prints, in milliseconds, the median
 * first request of a Worker that enqueues and of one that does nothing, and their second, which finds everything loaded.
 * @module
 */
import path from "node:path";
import { startGateway } from "@asynqjs/gateway";
import { Log, LogLevel, Miniflare } from "miniflare";
import { buildWorker } from "../support/build-worker.ts";
import { startRedis } from "../support/redis-server.ts";

const token = "a-token-for-tests";
const compatibilityDate = "2026-10-01";
const isolates = 15;

/** The first two requests to a Worker of this one module, each in a workerd of its own. */
async function firstRequestsMs(contents: string, url: string): Promise<readonly [number, number]> {
  const miniflare = new Miniflare({
    log: new Log(LogLevel.ERROR),
    handleStructuredLogs: () => {},
    workers: [
      {
        config: {
          name: "cold",
          compatibilityDate,
          manifest: { mainModule: "main.js", modules: { "main.js": { type: "esm", contents } } },
          env: { url: { type: "text", value: url }, token: { type: "text", value: token } },
        },
      },
    ],
  });
  try {
    await miniflare.ready;
    const timesMs = [];
    for (let i = 0; i < 2; i++) {
      const startMs = performance.now();
      const response = await miniflare.dispatchFetch("http://worker/", { method: "POST", body: "payload" });
      if (!response.ok) throw new Error(await response.text());
      await response.arrayBuffer();
      timesMs.push(performance.now() - startMs);
    }
    return timesMs as [number, number];
  } finally {
    await miniflare.dispose();
  }
}

function median(numbers: readonly number[]): string {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!.toFixed(1);
}

const server = await startRedis();
const gateway = await startGateway({ redis: server.url, tokens: [token], port: 0 });
const build = (entry: string) => buildWorker(path.join(import.meta.dirname, entry), compatibilityDate);
const workers = {
  "an empty Worker": "export default { fetch: () => new Response() };",
  "one that enqueues (min.ts)": await build("min.ts"),
  "one that enqueues by @upstash/redis (min-upstash.ts)": await build("min-upstash.ts"),
};
for (const [name, module] of Object.entries(workers)) {
  const samples: (readonly [number, number])[] = [];
  for (let i = 0; i < isolates; i++) samples.push(await firstRequestsMs(module, gateway.url));
  const first = median(samples.map(([firstMs]) => firstMs));
  const second = median(samples.map(([, secondMs]) => secondMs));
  console.log(`${name}: first request ${first} ms, second ${second} ms (median of ${isolates} isolates)`);
}
await gateway.close();
