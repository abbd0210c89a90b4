import { createServer } from "node:net";
import type { Clock } from "@asynqjs/core";
import { Log, LogLevel, Miniflare } from "miniflare";
import type { CronMessage } from "./messages.ts";

/** The port that wrangler's own development server takes. */
const usualPort = 8787;

const minuteMs = 60_000;

interface Worker {
  readonly module: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface Workerd {
  /** Where the edge Worker takes requests. */
  readonly url: string;
  /** Begins to ring the trigger of the cron Worker, at each full minute of the shop's clock, as Cloudflare does at each of ours. */
  ringEveryMinute(): void;
}

/**
 * Runs Workers in workerd, the runtime that Cloudflare runs them in, and tells what the cron Worker logs. They end with this process.
 */
export async function startWorkerd(
  workers: Readonly<Record<"edge-worker" | "cron-worker", Worker>>,
  clock: Clock,
  tell: (message: CronMessage) => void,
): Promise<Workerd> {
  let rungMs = 0;
  const optionsAt = (port: number): ConstructorParameters<typeof Miniflare>[0] => ({
    host: "127.0.0.1",
    port,
    log: new Log(LogLevel.ERROR),
    handleStructuredLogs: ({ message }) => {
      console.log(message);
      // The one line of JSON that a run of the cron Worker ends with; whatever else is said is for who reads the log.
      if (message.startsWith("{")) tell({ kind: "report", minuteMs: rungMs, report: JSON.parse(message) });
    },
    workers: Object.entries(workers).map(([name, { module, env }]) => ({
      config: {
        name,
        compatibilityDate: "2026-10-01",
        manifest: { mainModule: `${name}.js`, modules: { [`${name}.js`]: { type: "esm" as const, contents: module } } },
        env: Object.fromEntries(Object.entries(env).map(([key, value]) => [key, { type: "text" as const, value }])),
      },
    })),
  });
  let miniflare = new Miniflare(optionsAt((await isFree(usualPort)) ? usualPort : 0));
  const { href } = await miniflare.ready.catch(async (error) => {
    // Another demo that opened at the same moment has it.
    if (error.code !== "ERR_ADDRESS_IN_USE") throw error;
    await miniflare.dispose().catch(() => {});
    miniflare = new Miniflare(optionsAt(0));
    return miniflare.ready;
  });
  const cron = (await miniflare.getWorker("cron-worker")) as unknown as { scheduled: (options: object) => Promise<unknown> };

  const ringAt = (atMs: number): void => {
    clock.after(Math.max(0, atMs - clock.nowMs()), () => {
      rungMs = atMs;
      tell({ kind: "rung" });
      // One that failed has said so in the log; the next one does its work. Nobody waits for one that is still at it.
      cron.scheduled({ cron: "* * * * *", scheduledTime: new Date(atMs) }).catch(() => {});
      ringAt(atMs + minuteMs);
    });
  };
  return { url: href, ringEveryMinute: () => ringAt((Math.floor(clock.nowMs() / minuteMs) + 1) * minuteMs) };
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
