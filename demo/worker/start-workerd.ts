import { createServer } from "node:net";
import { Log, LogLevel, Miniflare } from "miniflare";

/** The port that wrangler's own development server takes. */
const usualPort = 8787;

/** Cloudflare calls a cron trigger once a minute; the demo is in a hurry. */
const ringEveryMs = 500;

interface Worker {
  readonly module: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Runs Workers in workerd, the runtime that Cloudflare runs them in; answers the URL of the edge Worker, and rings the trigger of the cron
 * Worker again and again. They end with this process.
 */
export async function startWorkerd(workers: Readonly<Record<"edge-worker" | "cron-worker", Worker>>): Promise<string> {
  const miniflare = new Miniflare({
    host: "127.0.0.1",
    port: (await isFree(usualPort)) ? usualPort : 0,
    log: new Log(LogLevel.ERROR),
    workers: Object.entries(workers).map(([name, { module, env }]) => ({
      config: {
        name,
        compatibilityDate: "2026-10-01",
        manifest: { mainModule: `${name}.js`, modules: { [`${name}.js`]: { type: "esm" as const, contents: module } } },
        env: Object.fromEntries(Object.entries(env).map(([key, value]) => [key, { type: "text" as const, value }])),
      },
    })),
  });
  const { href } = await miniflare.ready;
  const cron = (await miniflare.getWorker("cron-worker")) as unknown as { scheduled: (options: object) => Promise<unknown> };
  const ring = (): void => {
    // One that failed has said so in the log; the next one does its work.
    void cron
      .scheduled({ cron: "* * * * *" })
      .catch(() => {})
      .then(() => setTimeout(ring, ringEveryMs));
  };
  ring();
  return href;
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
