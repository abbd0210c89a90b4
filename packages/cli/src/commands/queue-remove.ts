import type { CliContext } from "../cli-context.ts";

/** Removes one queue after another, after a yes for all of them; one that cannot be removed is said, and the next one's turn comes. */
export async function removeQueues(context: CliContext, queues: readonly string[], { force }: { readonly force?: boolean }): Promise<void> {
  const inspector = await context.inspector();
  const named = queues.map((name) => JSON.stringify(name)).join(", ");
  await context.confirm(`Remove ${queues.length === 1 ? "queue" : "queues"} ${named}${force ? " with all tasks" : ""}?`);
  for (const name of queues) {
    const progress = context.progress(`Removing ${name}`);
    try {
      const report = await inspector.deleteQueue(name, { force, onProgress: ({ deleted }) => progress.update(deleted) });
      progress.end();
      if (context.json) context.printJson({ queue: name, ...report });
      else context.print(`Successfully removed queue ${JSON.stringify(name)}`);
    } catch (error) {
      progress.end();
      context.complain(error);
    }
  }
}
