import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { asksFirst } from "../global-flags.ts";
import { addExamples } from "../help.ts";
import { showHistory } from "./queue-history.ts";
import { inspectQueues } from "./queue-inspect.ts";
import { listQueues } from "./queue-list.ts";
import { pauseQueues, resumeQueues } from "./queue-pause.ts";
import { removeQueues } from "./queue-remove.ts";
import { addQueueStats } from "./queue-stats.ts";
import { wholeNumber } from "./read-flag.ts";

/** `asynqjs queue`. @see Asynq tools/asynq/cmd/queue.go */
export function addQueueCommands(program: Command, context: CliContext): void {
  const queue = program.command("queue").description("manage queues").usage("<command> [flags]");
  addExamples(queue, "asynqjs queue ls", "asynqjs queue inspect myqueue", "asynqjs queue pause myqueue");

  queue
    .command("list")
    .alias("ls")
    .description("list queues")
    .action(() => listQueues(context));

  const inspect = queue
    .command("inspect <queue...>")
    .description("display detailed information on one or more queues")
    .action((queues: readonly string[]) => inspectQueues(context, queues));
  addExamples(inspect, "asynqjs queue inspect myqueue", "asynqjs queue inspect queue1 queue2 queue3");

  const history = queue
    .command("history <queue...>")
    .description("display historical aggregate data from one or more queues")
    .option("-x, --days <number>", "show data from last x days", wholeNumber(1, 1000), 10)
    .action((queues: readonly string[], { days }: { readonly days: number }) => showHistory(context, queues, days));
  addExamples(
    history,
    "asynqjs queue history myqueue",
    "asynqjs queue history queue1 queue2 queue3",
    "asynqjs queue history myqueue --days=90",
  );

  const pause = queue
    .command("pause <queue...>")
    .description("pause one or more queues")
    .action((queues: readonly string[]) => pauseQueues(context, queues));
  addExamples(pause, "asynqjs queue pause myqueue", "asynqjs queue pause queue1 queue2 queue3");

  const resume = queue
    .command("resume <queue...>")
    .alias("unpause")
    .description("resume (unpause) one or more queues")
    .action((queues: readonly string[]) => resumeQueues(context, queues));
  addExamples(resume, "asynqjs queue resume myqueue", "asynqjs queue resume queue1 queue2 queue3");

  const remove = queue
    .command("remove <queue...>")
    .aliases(["rm", "delete"])
    .description("remove one or more queues")
    .option("-f, --force", "remove the queue regardless of its size, and the cron entries that enqueue into it")
    .action((queues: readonly string[], options: { readonly force?: boolean }) => removeQueues(context, queues, options));
  asksFirst(remove);
  addExamples(remove, "asynqjs queue rm myqueue", "asynqjs queue rm queue1 queue2 queue3", "asynqjs queue rm myqueue --force");

  addQueueStats(queue, context);
}
