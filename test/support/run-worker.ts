import { Log, LogLevel, Miniflare } from "miniflare";

/** Runs a Worker's one module in raw workerd, with these texts as its environment. */
export function runWorker(module: string, compatibilityDate: string, texts: Readonly<Record<string, string>>): Miniflare {
  return new Miniflare({
    log: new Log(LogLevel.ERROR),
    handleStructuredLogs: () => {},
    workers: [
      {
        config: {
          name: "worker",
          compatibilityDate,
          manifest: { mainModule: "main.js", modules: { "main.js": { type: "esm", contents: module } } },
          env: Object.fromEntries(Object.entries(texts).map(([name, value]) => [name, { type: "text" as const, value }])),
        },
      },
    ],
  });
}
