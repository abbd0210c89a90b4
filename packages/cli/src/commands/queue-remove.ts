import { quoteAsGo } from "@asynqjs/core/cron";
import type { CliContext } from "../cli-context.ts";
import { CliError, exitCodeOf, exitCodes, lineOf } from "../exit-codes.ts";

/** Removes one queue after another, after a yes for all of them; of one that cannot be removed it is said why. */
export async function removeQueues(context: CliContext, queues: readonly string[], { force }: { readonly force?: boolean }): Promise<void> {
  const inspector = await context.inspector();
  const named = queues.map(quoteAsGo).join(", ");
  await context.confirm(`Remove ${queues.length === 1 ? "queue" : "queues"} ${named}${force ? " with all tasks" : ""}?`);
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
      const hint = isFull ? `; if you are sure you want to delete it, run 'asynqjs queue rm --force ${queue}'` : "";
      context.complain(hint === "" ? error : new CliError(exitCodeOf(error), lineOf(error) + hint, error));
    }
  }
}
