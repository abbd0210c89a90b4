import type { Broker } from "@asynqjs/core";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { asksFirst } from "../global-flags.ts";
import { addExamples } from "../help.ts";

/** Ours: what is done with entries that are stored in Redis. */
export function addCronChange(cron: Command, context: CliContext): void {
  const remove = cron
    .command("remove <entry_id...>")
    .aliases(["rm", "delete"])
    .description("remove one or more cron entries that are stored in Redis; their tasks stay")
    .action(async (ids: readonly string[]) => {
      const { quoteAsGo, removeCronEntry } = await import("@asynqjs/core/cron");
      await context.inspector();
      await context.confirm(`Remove cron ${ids.length === 1 ? "entry" : "entries"} ${ids.map(quoteAsGo).join(", ")}?`);
      await each(context, ids, "removed", async (broker, id) => {
        await removeCronEntry(broker, id);
        return `Removed cron entry ${quoteAsGo(id)}`;
      });
    });
  asksFirst(remove);
  addExamples(remove, "asynqjs cron rm nightly");

  const pause = cron
    .command("pause <entry_id...>")
    .description("let one or more cron entries fire nothing until they are resumed")
    .action(async (ids: readonly string[]) => {
      const [{ pauseCronEntry, quoteAsGo }, { slotsBetween }] = await Promise.all([
        import("@asynqjs/core/cron"),
        import("@asynqjs/cron-fn"),
      ]);
      await each(context, ids, "paused", async (broker, id) => {
        await pauseCronEntry(broker, id, { slotsBetween });
        return `Paused cron entry ${quoteAsGo(id)}`;
      });
    });
  addExamples(pause, "asynqjs cron pause nightly");

  const resume = cron
    .command("resume <entry_id...>")
    .alias("unpause")
    .description("let one or more cron entries fire again; what they did not fire meanwhile is not caught up")
    .action(async (ids: readonly string[]) => {
      const { quoteAsGo, resumeCronEntry } = await import("@asynqjs/core/cron");
      await each(context, ids, "resumed", async (broker, id) => {
        await resumeCronEntry(broker, id);
        return `Resumed cron entry ${quoteAsGo(id)}`;
      });
    });
  addExamples(resume, "asynqjs cron resume nightly");

  const run = cron
    .command("run <entry_id...>")
    .description("enqueue a task of one or more cron entries now; their slots are fired as ever")
    .action(async (ids: readonly string[]) => {
      const { runCronEntry } = await import("@asynqjs/core/cron");
      await each(context, ids, "enqueued", async (broker, id) => {
        const task = await runCronEntry(broker, id);
        return [`Enqueued task ${task.id} to queue ${task.queue}`, { taskId: task.id, queue: task.queue }];
      });
    });
  addExamples(run, "asynqjs cron run nightly");
}

/** One after another; of one with which it cannot be done it is said why. */
async function each(
  context: CliContext,
  ids: readonly string[],
  done: string,
  act: (broker: Broker, id: string) => Promise<string | readonly [line: string, json: object]>,
): Promise<void> {
  const { broker } = await context.inspector();
  for (const id of ids) {
    try {
      const said = await act(broker, id);
      const [line, json] = typeof said === "string" ? [said, {}] : said;
      if (context.json) context.printJson({ id, done, ...json });
      else context.print(line);
    } catch (error) {
      context.complain(error);
    }
  }
}
