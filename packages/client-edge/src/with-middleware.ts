import type { EnqueueOptions, SendOptions, Task, TaskInfo } from "@asynqjs/core";
import type { Client, EnqueueItem, EnqueueOutcome } from "./client.ts";

/** What enqueues: a `Client`, or one with middlewares around it. */
export type Enqueuer = Pick<Client, "enqueue" | "enqueueMany">;

/** A task on its way, with the options given beside it, which win over its own. */
export interface EnqueueRequest {
  readonly task: Task;
  readonly options: EnqueueOptions;
}

/**
 * Stands between the caller and the client, once for each call: `enqueue` is a call with one task. Answers one outcome for each task it was
 * given, in order, as `next` does for those it is given. What it throws the caller gets; what it answers as `error` concerns that task alone.
 */
export type EnqueueMiddleware = (
  requests: readonly EnqueueRequest[],
  next: (requests: readonly EnqueueRequest[]) => Promise<EnqueueOutcome[]>,
) => Promise<EnqueueOutcome[]>;

/**
 * A client with middlewares around it, the first given the outermost; the client itself stays as it is. Does no I/O, keeps no state and shares
 * no promise between calls, so it may be made once per module.
 */
export function withMiddleware(client: Enqueuer, ...middlewares: readonly EnqueueMiddleware[]): Enqueuer {
  function enqueueMany(items: readonly EnqueueItem[], send?: SendOptions): Promise<EnqueueOutcome[]> {
    const next = middlewares.reduceRight<(requests: readonly EnqueueRequest[]) => Promise<EnqueueOutcome[]>>(
      (inner, middleware) => async (requests) => middleware(requests, inner),
      (requests) => client.enqueueMany(requests, send),
    );
    return next(
      items.map((item) =>
        typeof item === "object" && item !== null && "task" in item
          ? { task: item.task, options: item.options ?? {} }
          : { task: item, options: {} },
      ),
    );
  }
  async function enqueue(task: Task, options: EnqueueOptions = {}, send?: SendOptions): Promise<TaskInfo> {
    const [outcome] = await enqueueMany([{ task, options }], send);
    if (outcome!.error !== undefined) throw outcome!.error;
    return outcome!.info;
  }
  return { enqueue, enqueueMany };
}
