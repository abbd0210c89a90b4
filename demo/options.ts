import { parseArgs } from "node:util";

export interface DemoOptions {
  /** Ends by itself, with a line of JSON last. */
  readonly once: boolean;
  /** The worker that took over is killed in the middle of its work, too, and another one started. */
  readonly killWorker: boolean;
  /** The worker is killed in the middle of its work, and none started. */
  readonly breakWorker: boolean;
  /** Where files go; absent for the usual place. */
  readonly outDir: string | undefined;
}

export const usage = `usage: npm run demo [-- OPTIONS]

  --once          end by itself, with one line of JSON last; exit 0 only if every task ended as it should.
                  So it does without being told where there is no terminal.
  --kill-worker   kill the Node worker that took over in the middle of its work, too, and start another one
  --break-worker  start none when a worker was killed; ends with exit 1
  --out DIR       where thumbnails, mail and logs go, instead of demo/out
  --help          this`;

/**
 * Reads the command line; undefined when it asks for help.
 * @throws {TypeError} one line: what cannot be understood
 */
export function readOptions(args: readonly string[], isTerminal: boolean): DemoOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      once: { type: "boolean" },
      "kill-worker": { type: "boolean" },
      "break-worker": { type: "boolean" },
      out: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return undefined;
  const { "kill-worker": killWorker = false, "break-worker": breakWorker = false, out: outDir } = values;
  return { once: values.once === true || !isTerminal, killWorker, breakWorker, outDir };
}
