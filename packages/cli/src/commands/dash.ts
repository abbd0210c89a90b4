import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError, exitCodes } from "../exit-codes.ts";
import { addExamples } from "../help.ts";
import { durationSec } from "./read-flag.ts";

const leastRefreshSec = 1;

export function addDashCommand(program: Command, context: CliContext): void {
  const dash = program
    .command("dash")
    .description("view dashboard")
    .usage("[flags]")
    .option("--refresh <duration>", "interval between data refresh (min allowed: 1s)", durationSec, 8)
    .action(async ({ refresh }: { readonly refresh: number }) => {
      if (refresh < leastRefreshSec) throw new CliError(exitCodes.usage, "--refresh cannot be less than 1s");
      const { stdin, stdout } = process;
      if (context.stdout !== stdout || !stdin.isTTY || !stdout.isTTY) {
        const todo = "'asynqjs stats' and 'asynqjs queue inspect' print without one";
        throw new CliError(exitCodes.usage, `dash needs a terminal to read keys from and to draw on; ${todo}`);
      }
      const inspector = await context.inspector();
      const { runDash } = await import("../dash/index.ts");
      const signal = context.untilStopped();
      await runDash({ inspector, refreshMs: refresh * 1000, stdin, stdout, signal, clock: context.clock, env: context.env });
    });
  addExamples(dash, "asynqjs dash", "asynqjs dash --refresh=3s");
}
