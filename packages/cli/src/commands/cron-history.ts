import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { table } from "../format/table.ts";
import { timeText } from "../format/time.ts";
import { addExamples } from "../help.ts";
import { wholeNumber } from "./read-flag.ts";
import { separator } from "./separator.ts";

interface Flags {
  readonly page: number;
  readonly size: number;
}

/** @see Asynq tools/asynq/cmd/cron.go, `cronHistory` */
export function addCronHistory(cron: Command, context: CliContext): void {
  const history = cron
    .command("history <entry_id...>")
    .description("show history of each cron tasks")
    .option("--page <number>", "page number", wholeNumber(1), 1)
    .option("--size <number>", "page size", wholeNumber(1, 1000), 30)
    .action((ids: readonly string[], flags: Flags) => showHistory(context, ids, flags));
  addExamples(
    history,
    "asynqjs cron history 7837f142-6337-4217-9276-8f27281b67d1",
    "asynqjs cron history 7837f142-6337-4217-9276-8f27281b67d1 bf6a8594-cd03-4968-b36a-8572c5e160dd",
    "asynqjs cron history 7837f142-6337-4217-9276-8f27281b67d1 --size=100",
    "asynqjs cron history 7837f142-6337-4217-9276-8f27281b67d1 --page=2",
  );
}

async function showHistory(context: CliContext, ids: readonly string[], { page, size }: Flags): Promise<void> {
  const inspector = await context.inspector();
  for (const [nth, id] of ids.entries()) {
    if (!context.json) context.print(`${nth > 0 ? `\n${separator}\n` : ""}\nEntry: ${id}\n`);
    try {
      const events = await inspector.listSchedulerEnqueueEvents(id, { page, pageSize: size });
      if (context.json) context.printJson({ entry: id, events });
      else if (events.length === 0) context.print(`No scheduler enqueue events found for entry: ${id}`);
      else {
        const rows = events.map(({ taskId, enqueuedAt }) => [taskId, enqueuedAt === undefined ? "" : timeText(enqueuedAt, "UTC")]);
        context.show(table(["TaskID", "EnqueuedAt"], rows));
      }
    } catch (error) {
      context.complain(error);
    }
  }
}
