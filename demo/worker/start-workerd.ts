import { createServer } from "node:net";
import { Log, LogLevel, Miniflare } from "miniflare";

/** The port that wrangler's own development server takes. */
const usualPort = 8787;

/** Runs a Worker in workerd, the runtime that Cloudflare runs it in; answers its URL. It ends with this process. */
export async function startWorkerd(module: string, env: Readonly<Record<string, string>>): Promise<string> {
  const miniflare = new Miniflare({
    host: "127.0.0.1",
    port: (await isFree(usualPort)) ? usualPort : 0,
    log: new Log(LogLevel.ERROR),
    workers: [
      {
        config: {
          name: "picture-and-mail-shop",
          compatibilityDate: "2026-10-01",
          manifest: { mainModule: "edge-worker.js", modules: { "edge-worker.js": { type: "esm", contents: module } } },
          env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, { type: "text" as const, value }])),
        },
      },
    ],
  });
  return (await miniflare.ready).href;
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
