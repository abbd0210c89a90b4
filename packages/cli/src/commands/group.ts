import { quoteAsGo } from "@asynqjs/core/cron";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { addExamples } from "../help.ts";
import { couldNot } from "./could-not.ts";

/** `asynqjs group`. @see Asynq tools/asynq/cmd/group.go */
export function addGroupCommands(program: Command, context: CliContext): void {
  const group = program.command("group").description("manage groups").usage("<command> [flags]");
  addExamples(group, "asynqjs group list --queue=myqueue");

  group
    .command("list")
    .alias("ls")
    .description("list groups")
    .requiredOption("-q, --queue <name>", "queue to inspect (required)")
    .action(async ({ queue }: { readonly queue: string }) => {
      const inspector = await context.inspector();
      const groups = await couldNot("fetch groups", inspector.groups(queue));
      if (context.json) context.printJson(groups);
      else if (groups.length === 0) context.print(`No groups found in queue ${quoteAsGo(queue)}`);
      else for (const info of groups) context.print(info.group);
    });
}
