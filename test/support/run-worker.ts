import { Log, LogLevel, Miniflare } from "miniflare";

export interface WorkerOptions {
  /** The classes of its Durable Objects, by the name of the binding. */
  readonly objects?: Readonly<Record<string, string>>;
  /** Told every line that it logs. */
  readonly onLog?: (line: string) => void;
}

/** Runs a Worker's one module in raw workerd, with these texts as its environment. */
export function runWorker(
  module: string,
  compatibilityDate: string,
  texts: Readonly<Record<string, string>>,
  { objects = {}, onLog = () => {} }: WorkerOptions = {},
): Miniflare {
  const bound = Object.entries(objects);
  return new Miniflare({
    log: new Log(LogLevel.ERROR),
    handleStructuredLogs: ({ message }) => onLog(message),
    workers: [
      {
        config: {
          name: "worker",
          compatibilityDate,
          manifest: { mainModule: "main.js", modules: { "main.js": { type: "esm", contents: module } } },
          env: {
            ...Object.fromEntries(Object.entries(texts).map(([name, value]) => [name, { type: "text" as const, value }])),
            ...Object.fromEntries(
              bound.map(([name, exportName]) => [name, { type: "durable-object" as const, worker: "worker", exportName }]),
            ),
          },
          exports: Object.fromEntries(bound.map(([, name]) => [name, { type: "durable-object" as const, storage: "sqlite" as const }])),
        },
      },
    ],
  });
}
