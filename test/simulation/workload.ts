import { type EnqueueOptions, Task } from "@asynqjs/core";
import type { Manner, Order } from "./manners.ts";
import { manners } from "./manners.ts";
import type { World } from "./world.ts";

/** The queues, and how they matter to servers that weigh them. */
export const queues = { critical: 6, default: 3, low: 1 } as const;
type Queue = keyof typeof queues;

/** A type that only some of the servers know. */
export const rareType = "rare";

/** A task to be enqueued. */
export interface Plan {
  readonly order: Order;
  readonly task: Task;
  readonly queue: Queue;
  readonly options: EnqueueOptions & { readonly taskId: string; readonly maxRetry: number };
}

const all = Object.keys(manners) as Manner[];
const names = Object.keys(queues) as Queue[];

/** Draws the task with the number `n`. */
export function planTask(world: World, n: number): Plan {
  const manner = world.chance(0.4) ? world.pick(["quick", "slow"] as const) : world.pick(all);
  const order: Order = { n, manner, ms: Math.floor(10 ** (1 + 3 * world.random.float())), times: 1 + world.below(2) };
  const queue = world.pick(names);
  const maxRetry = manner === "hopeless" ? world.below(3) : world.pick([3, 5, 25]);
  const options = {
    taskId: `task-${n}`,
    queue,
    maxRetry,
    // Handlers that do not end by themselves soon have a time to end in.
    ...(manner === "deaf" || manner === "polite" || world.chance(0.1) ? { timeoutSec: 1 + world.below(12) } : {}),
    ...(world.chance(0.2) ? { processInSec: world.below(60) } : {}),
    ...(world.chance(0.2) ? { retentionSec: world.pick([5, 60, 100_000]) } : {}),
    ...(world.chance(0.15) ? { uniqueTtlSec: 100_000 } : {}),
    ...(world.chance(0.2) ? { group: world.pick(["a", "b"]) } : {}),
    ...(world.chance(0.1) ? { headers: { trace: `of ${n}` } } : {}),
  };
  return { order, queue, options, task: new Task(world.chance(0.05) ? rareType : "work", order) };
}
