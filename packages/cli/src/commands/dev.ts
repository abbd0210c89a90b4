import { type Command, InvalidArgumentError } from "commander";
import type { CliContext } from "../cli-context.ts";
import type { DevOptions } from "../dev/plan-dev.ts";
import { CliError, exitCodes } from "../exit-codes.ts";
import { addExamples } from "../help.ts";
import { wantsColor } from "../style.ts";
import type { Output } from "../surroundings.ts";

/** What runs us may hand on to us a Ctrl-C that the terminal gave us too. */
const sameSignalMs = 300;

type Flags = Omit<DevOptions, "command">;

/** `asynqjs dev`: a project of the user's, all of it, until Ctrl-C. */
export function addDevCommand(program: Command, context: CliContext): void {
  const added = program
    .command("dev")
    .description(
      "Run the project in this folder: a Redis, the gateway before it, the worker, which is started anew when a file changes, its cron " +
        "entries, and a command of yours beside them, which finds REDIS_URI, REDIS_URL and REDIS_TOKEN in its environment.",
    )
    .usage("[flags] [-- command...]")
    .argument("[command...]", "what runs beside it, as wrangler dev; all ends when it does")
    .option("--worker <file>", "the worker (default: src/worker.ts, worker.ts, or .js)")
    .option("--no-worker", "run no worker")
    .option("--cron <file>", "a list of cron entries: a module's default export, or JSON (default: src/cron.ts, cron.ts, .js or .json)")
    .option("--no-cron", "leave the cron entries in Redis as they are")
    .option("--owner <name>", "whose the cron entries are (default: the project's name)")
    .option("--redis <uri>", "a Redis that runs (default: ASYNQ_REDIS_URL, or else one is started)")
    .option("--redis-port <port>", "the port of the Redis that is started, 0 for a free one (default: 6379)", readPort)
    .option("--keep", "keep what is in the Redis that is started, in .asynqjs/redis")
    .option("--gateway-port <port>", "the port of the gateway, 0 for a free one", readPort, 8079)
    .option("--watch <folder>", "watch this folder too (repeatable)", (folder: string, all: readonly string[] = []) => [...all, folder])
    .action((command: readonly string[], flags: Flags) => dev(context, { ...flags, command }));
  addExamples(
    added,
    "asynqjs dev",
    "asynqjs dev -- wrangler dev",
    "asynqjs dev --worker src/jobs.ts --keep",
    "asynqjs dev --redis redis://localhost:6379 -- npm test",
  );
}

async function dev(context: CliContext, { uri, ...options }: DevOptions & { readonly uri?: string }): Promise<void> {
  if (uri !== undefined) throw new CliError(exitCodes.usage, "--uri is for what looks at a Redis; which one dev runs with is --redis");
  const { clock, env, stdout, stderr } = context;
  const { runDev } = await import("../dev/run-dev.ts");
  const hungUp = new AbortController();
  const killing = new AbortController();
  const stopping = AbortSignal.any([context.untilStopped(), hungUp.signal]);
  const hangUp = (): void => hungUp.abort();
  let toldMs = 0;
  const kill = (): void => {
    if (clock.monotonicMs() - toldMs > sameSignalMs) killing.abort();
  };
  process.on("SIGHUP", hangUp);
  // The first signal ends all in its order, another one at once.
  stopping.addEventListener(
    "abort",
    () => {
      toldMs = clock.monotonicMs();
      process.on("SIGINT", kill).on("SIGTERM", kill);
    },
    { once: true },
  );
  // A terminal that is gone takes nothing more, and to write to it would end us before our parts.
  const unlessGone = (output: Output): Output => ({
    ...{ isTTY: output.isTTY, columns: output.columns },
    write: (text) => (hungUp.signal.aborted ? undefined : output.write(text)),
  });
  try {
    const code = await runDev(
      { ...options, redis: options.redis ?? (env.ASYNQ_REDIS_URL || undefined) },
      {
        ...{ cwd: process.cwd(), env, stdout: unlessGone(stdout), stderr: unlessGone(stderr), colored: wantsColor(stdout, env) },
        ...{ stopping, killing: killing.signal },
      },
    );
    context.endWith(code);
  } finally {
    process.off("SIGHUP", hangUp).off("SIGINT", kill).off("SIGTERM", kill);
  }
}

function readPort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw new InvalidArgumentError("expected a port, 0 to 65535");
  return Number(text);
}
