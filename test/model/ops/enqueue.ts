import { enqueue } from "@asynqjs/core";
import fc from "fast-check";
import type { Actor } from "../actor.ts";
import { askAll, type Call, errorOf, type Steps, unrecorded, wrongKind } from "../call.ts";
import { queuesKey } from "../layout.ts";
import type { OperationKind } from "../operation.ts";
import { enqueueTasks } from "../verbs/enqueue.ts";
import { composed, queues, stored, type TaskArgs, taskArgs, taskText } from "./new-task.ts";

/** How long a client trusts that a queue's name is written. */
const publishedMs = 60_000;

export const enqueueKind: OperationKind<{ by: number; tasks: TaskArgs[] }> = {
  name: "enqueue",
  weight: 14,
  args: fc.record({ by: fc.nat(3), tasks: fc.array(taskArgs, { minLength: 1, maxLength: 4 }) }),
  prepare({ by, tasks }, { actors }) {
    const actor = actors[by]!;
    return {
      text: `${actor.name} enqueues ${tasks.map(taskText).join(", ")}`,
      moves: ["enqueue"],
      run: () =>
        enqueue(
          actor.broker,
          tasks.map((task) => composed(task, actor)),
        ),
      steps: () => enqueueSteps(actor, tasks),
    };
  },
};

function* enqueueSteps(actor: Actor, tasks: readonly TaskArgs[]): Steps {
  const { nowMs } = actor;
  const parts = [...new Set(tasks.map(({ queue }) => queue))].map((queue) => ({
    queue: queues[queue]!,
    places: [...tasks.keys()].filter((i) => tasks[i]!.queue === queue),
    publishes: isDue(actor, queues[queue]!),
  }));
  const calls = parts.flatMap(({ queue, places, publishes }): Call[] => {
    const some = places.map((i) => stored(tasks[i]!, nowMs));
    const script: Call = { name: "enqueue", apply: (k) => enqueueTasks(k, queue, some, nowMs) };
    return publishes ? [publish(queue), script] : [script];
  });
  const answers = [...(yield* askAll(calls))];
  const results: unknown[] = [];
  for (const { queue, places, publishes } of parts) {
    const refused = publishes ? errorOf(answers.shift()) : undefined;
    const answer = answers.shift();
    const error = errorOf(answer);
    if (publishes && !refused && !error) actor.published.set(queue, actor.clock.monotonicMs());
    for (const [nth, i] of places.entries()) results[i] = error ?? refused ?? { verdict: (answer as string[])[nth] };
  }
  return results;
}

function isDue({ published, clock }: Actor, queue: string): boolean {
  const atMs = published.get(queue);
  return atMs === undefined || clock.monotonicMs() - atMs >= publishedMs;
}

/** Writes the names of queues where inspectors see them; answers how many were not there. */
export function publish(...names: readonly string[]): Call {
  return {
    name: "SADD",
    apply: (k) => (k.fits("set", queuesKey) ? unrecorded(names.filter((name) => k.addMember(queuesKey, name)).length) : wrongKind),
  };
}
