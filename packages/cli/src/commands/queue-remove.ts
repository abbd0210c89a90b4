import { QueueNotFoundError } from "@asynqjs/core";
import { quoteAsGo } from "@asynqjs/core/cron";
import type { CliContext } from "../cli-context.ts";
import { CliError, exitCodeOf, exitCodes, lineOf } from "../exit-codes.ts";

/** Removes one queue after another, after a yes for all that there are; of one that cannot be removed it is said why. */
export async function removeQueues(context: CliContext, named: readonly string[], { force }: { readonly force?: boolean }): Promise<void> {
  const inspector = await context.inspector();
  const there = new Set(await inspector.queues());
  const queues = named.filter((queue) => there.has(queue));
  const asked = queues.map(quoteAsGo).join(", ");
  for (const queue of named) if (!there.has(queue)) context.complain(new QueueNotFoundError(queue));
  if (queues.length === 0) return;
  await context.confirm(`Remove ${queues.length === 1 ? "queue" : "queues"} ${asked}${force ? " with all tasks" : ""}?`);
  const signal = context.untilStopped();
  for (const queue of queues) {
    const progress = context.progress(`Removing ${queue}:`);
    try {
      const report = await inspector.deleteQueue(queue, { force, signal, onProgress: ({ deleted }) => progress.update(deleted) });
      progress.end();
      if (context.json) context.printJson({ queue, ...report });
      else if (!report.more) context.print(`Successfully removed queue ${quoteAsGo(queue)}`);
      if (report.existsAgain) context.warn(`a task came to queue ${quoteAsGo(queue)} meanwhile: the queue is there again, with that task`);
      if (report.left.length > 0)
        context.warn(`keys that are not known to be of queue ${quoteAsGo(queue)} stay: ${report.left.join(", ")}`);
      if (report.more) {
        context.warn(`stopped before queue ${quoteAsGo(queue)} was gone, after ${report.deleted} tasks; called again it goes on`);
        return context.endWith(exitCodes.interrupted);
      }
    } catch (error) {
      progress.end();
      const isFull = Object(error).code === "QUEUE_NOT_EMPTY" && !force;
      const hint = isFull ? `; if you are sure you want to delete it, run 'asynqjs queue rm --force ${shellWord(queue)}'` : "";
      context.complain(hint === "" ? error : new CliError(exitCodeOf(error), lineOf(error) + hint, error));
    }
  }
}

/** As a shell reads it as one word: of a name with a blank in it what is pasted would remove two other queues. */
function shellWord(name: string): string {
  return /^[\w.:@%+,-]+$/.test(name) ? name : `"${name.replace(/["\\$`]/g, "\\$&")}"`;
}
