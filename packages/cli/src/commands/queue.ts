import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { asksFirst } from "../global-flags.ts";
import { addExamples } from "../help.ts";
import { removeQueues } from "./queue-remove.ts";

/** `queue` and all below it. @see Asynq tools/asynq/cmd/queue.go */
export function addQueueCommands(program: Command, context: CliContext): void {
  const queue = program.command("queue").description("manage queues").usage("<command> [flags]");
  addExamples(queue, "asynqjs queue ls", "asynqjs queue inspect myqueue", "asynqjs queue pause myqueue");

  queue
    .command("list")
    .alias("ls")
    .description("list queues")
    .action(async () => {
      const inspector = await context.inspector();
      const queues = await inspector.queues();
      if (context.json) context.printJson(queues);
      else for (const name of queues) context.print(name);
    });

  const remove = queue
    .command("remove <queue...>")
    .aliases(["rm", "delete"])
    .description("remove one or more queues")
    .option("-f, --force", "remove the queue regardless of its size, and the cron entries that enqueue into it")
    .action((queues: readonly string[], options: { readonly force?: boolean }) => removeQueues(context, queues, options));
  asksFirst(remove);
  addExamples(remove, "asynqjs queue rm myqueue", "asynqjs queue rm queue1 queue2 queue3", "asynqjs queue rm myqueue --force");
}
