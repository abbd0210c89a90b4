import { decodeTaskMessage } from "@asynqjs/core/wire";
import type { Redis } from "ioredis";
import type { Fault, Run } from "./explain-runs.ts";
import { evictTasks } from "./faults.ts";

export interface Judged {
  /** Could still be done. */
  readonly left: readonly string[];
  /** Nothing more is to be done with them. */
  readonly over: ReadonlySet<string>;
  /** How many of those are still there, or were taken away by a fault that takes tasks. */
  readonly kept: { readonly completed: number; readonly archived: number; readonly evicted: number };
}

const perCall = 1_000;

/**
 * What has become of tasks, by what Redis holds after a drain: one that is gone is over if a run of it ended or a fault deleted it; one that
 * is completed, or archived since it lost three workers, is over too.
 */
export async function judgeTasks(
  redis: Redis,
  tasks: readonly string[],
  runs: ReadonlyMap<string, readonly Run[]>,
  faults: readonly Fault[],
): Promise<Judged> {
  const evicted = new Set(faults.flatMap((fault) => (fault.fault === evictTasks ? (fault.tasks ?? []) : [])));
  const left: string[] = [];
  const over = new Set<string>();
  const kept = { completed: 0, archived: 0, evicted: 0 };
  for (let at = 0; at < tasks.length; at += perCall) {
    const some = tasks.slice(at, at + perCall);
    const pipeline = redis.pipeline();
    for (const task of some) {
      const [queue, id] = task.split(" ") as [string, string];
      pipeline.hmgetBuffer(`asynq:{${queue}}:t:${id}`, "state", "msg");
    }
    for (const [i, [error, fields]] of (await pipeline.exec())!.entries()) {
      if (error !== null) throw error;
      const [state, msg] = fields as [Buffer | null, Buffer | null];
      const task = some[i]!;
      const hasEnded = runs.get(task)?.some(({ how }) => how === "end") === true;
      if (state === null) {
        if (evicted.has(task)) kept.evicted++;
        if (evicted.has(task) || hasEnded) over.add(task);
      } else if (state.toString() === "completed" && hasEnded) {
        kept.completed++;
        over.add(task);
      } else if (state.toString() === "archived" && decodeTaskMessage(msg!, task).errorMsg === "crashed 3 workers") {
        kept.archived++;
        over.add(task);
      } else left.push(task);
    }
  }
  return { left, over, kept };
}
