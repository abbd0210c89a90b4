import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { addExamples } from "../help.ts";
import { addCronAdd } from "./cron-add.ts";
import { addCronApply } from "./cron-apply.ts";
import { addCronChange } from "./cron-change.ts";
import { addCronHistory } from "./cron-history.ts";
import { listEntries } from "./cron-list.ts";

/** `asynqjs cron`: Asynq's commands, then ours, which change the entries that are stored in Redis. @see Asynq tools/asynq/cmd/cron.go */
export function addCronCommands(program: Command, context: CliContext): void {
  const cron = program.command("cron").description("manage cron").usage("<command> [flags]");
  addExamples(
    cron,
    "asynqjs cron ls",
    "asynqjs cron history 7837f142-6337-4217-9276-8f27281b67d1",
    'asynqjs cron add nightly --spec="0 3 * * *" --type_name=report:build',
  );
  cron
    .command("list")
    .alias("ls")
    .description("list cron entries")
    .action(() => listEntries(context));
  addCronHistory(cron, context);
  addCronAdd(cron, context);
  addCronApply(cron, context);
  addCronChange(cron, context);
}
