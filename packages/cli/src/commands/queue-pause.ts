import type { Inspector } from "@asynqjs/core/inspector";
import type { CliContext } from "../cli-context.ts";

/** Lets no worker take another task from these queues. One that there is not is a mistyped name: it is not paused ahead, as Asynq would. */
export async function pauseQueues(context: CliContext, queues: readonly string[]): Promise<void> {
  await each(context, queues, "paused", async (inspector, name) => {
    await inspector.getQueueInfo(name);
    await inspector.pauseQueue(name);
  });
}

/** Lets workers take tasks from these queues again; from one too that was paused before it was there. */
export async function resumeQueues(context: CliContext, queues: readonly string[]): Promise<void> {
  const { readQueueInfos } = await import("@asynqjs/core/inspector");
  await each(context, queues, "unpaused", async (inspector, name) => {
    const [info] = await readQueueInfos(inspector.broker, [name]);
    if (info!.value?.paused !== true) await inspector.getQueueInfo(name);
    await inspector.unpauseQueue(name);
  });
}

async function each(
  context: CliContext,
  queues: readonly string[],
  done: string,
  act: (inspector: Inspector, name: string) => Promise<void>,
): Promise<void> {
  const inspector = await context.inspector();
  const { quoteAsGo } = await import("@asynqjs/core/cron");
  for (const queue of queues) {
    try {
      await act(inspector, queue);
      if (context.json) context.printJson({ queue, paused: done === "paused" });
      else context.print(`Successfully ${done} queue ${quoteAsGo(queue)}`);
    } catch (error) {
      context.complain(error);
    }
  }
}
