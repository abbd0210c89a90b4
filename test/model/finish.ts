/**
 * How each history ends: the faults stop, repair is given its time, and whatever can be done is done. Then nothing may be broken, and no
 * task be left that waits for anything.
 * @module
 */

import type { History } from "./history.ts";
import { keyOf, readKey, taskAt } from "./layout.ts";
import { Mismatch } from "./model-port.ts";
import type { Operation, OperationKind } from "./operation.ts";
import { aggregateKind } from "./ops/aggregate.ts";
import { drainId, queues, type TaskArgs } from "./ops/new-task.ts";
import { pauseKind } from "./ops/queue-wide.ts";
import { repairKind } from "./ops/repair.ts";
import { forwardKind, recoverKind } from "./ops/ticks.ts";
import { advanceKind } from "./ops/time.ts";
import { dequeueKind, settleAll } from "./ops/work.ts";

/** Longer than anything is put off, than any lease or set lasts, and than any clock was ahead. */
const pauseSec = 3 * 24 * 3600;
/** Each round does one of the tasks that lost a worker, and there are ten ids. */
const maxRounds = 16;
const summary: TaskArgs = { queue: 0, id: drainId, dueSec: 0, group: 0, lock: 0, lockSec: 1, retentionSec: 0, maxRetry: 1 };

/** @throws {Mismatch} something is broken, or is left undone */
export async function finish(history: History): Promise<void> {
  const worker = history.actors[0]!;
  const step = (operation: Operation | undefined): Promise<void> =>
    operation === undefined ? Promise.resolve() : history.step(operation, { kind: "none", at: 0 });
  const run = <A>(kind: OperationKind<A>, args: A): Promise<void> => step(kind.prepare(args, history));

  for (const actor of history.actors) actor.jump(-actor.skewMs);
  await step({ text: "what is in the way is cleared away", run: () => history.clearWay() });
  for (const queue of queues.keys()) await run(pauseKind, { by: 3, queue, on: false });
  const broken = (): string[] => history.broken().filter((one) => canBeMended(history, one));
  const isOver = (): boolean => waiting(history).length === 0 && broken().length === 0;
  for (let round = 0; !isOver(); round++) {
    if (round === maxRounds)
      throw new Mismatch(`repaired and drained, tasks wait in ${waiting(history).join(", ") || "nothing"}; broken: ${broken().join(", ")}`);
    await run(repairKind, { by: 3, some: queues, sweep: true });
    await run(advanceKind, { sec: pauseSec });
    await run(repairKind, { by: 3, some: queues, sweep: true });
    await run(forwardKind, { by: 3, some: queues });
    await run(recoverKind, { by: 3, some: queues, recoverNoRetry: false });
    await run(aggregateKind, { by: 3, some: queues, rule: { gracePeriodSec: 1, maxDelaySec: 0, maxSize: 0 }, task: summary });
    for (let taken = 1; taken > 0; ) {
      const before = worker.held.length;
      worker.held.length = 0;
      await run(dequeueKind, { by: 0, order: 2, limit: 4, suspect: true });
      taken = worker.held.length;
      if (before + taken > 0) await step(settleAll(worker));
    }
  }
}

/**
 * A counter that was evicted cannot be made again. Nobody reads the message of a task that is over; and where its hash was evicted, its id
 * enqueued anew and then settled by who held the first, it names a lock that its message does not: for nothing, once that lock has ended.
 */
function canBeMended({ keyspace }: History, broken: string): boolean {
  const [invariant, queue, id] = broken.split(" ") as [string, string, string];
  const isOver = ["archived", "completed"].includes(keyspace.field(taskAt(queue, id), "state") ?? "");
  const hasLock = keyspace.keys().some((key) => {
    const of = readKey(key);
    return of?.queue === queue && of.rest.startsWith("unique:") && keyspace.text(key) === id;
  });
  return invariant !== "I11" && !(isOver && (invariant === "I3" || (invariant === "I8" && !hasLock)));
}

/** The containers that hold what is still to be done. */
function waiting({ keyspace }: History): string[] {
  const named = ["pending", "active", "scheduled", "retry"].flatMap((rest) => queues.map((queue) => keyOf(queue, rest)));
  return keyspace.keys().filter((key) => named.includes(key) || readKey(key)?.rest.startsWith("g:"));
}
