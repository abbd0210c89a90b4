import { aggregate, type Broker, dequeue, forward, type GroupAggregator, recover, repair, settle, Task } from "@asynqjs/core";
import type { ManualClock } from "@asynqjs/core/testing";

const queues = ["default"];

/** A few minutes of the ticks that put right what was left behind; a group becomes one task, `digest of <its size>`, the next of that size `… again`. */
export async function heal(broker: Broker, clock: ManualClock): Promise<void> {
  const digests = new Set<string>();
  const aggregator: GroupAggregator = (_, tasks) => {
    let taskId = `digest of ${tasks.length}`;
    while (digests.has(taskId)) taskId += " again";
    digests.add(taskId);
    return new Task("digest", "", { taskId });
  };
  for (let minute = 0; minute < 4; minute++) {
    for (const { errors } of [
      await recover(broker, { queues }),
      await repair(broker, { queues, sweep: true }),
      await aggregate(broker, { queues, aggregator }),
    ])
      if (errors.length > 0) throw errors[0]!.error;
    await clock.advance(61_000);
  }
}

/** Runs whatever can be run, now or within two hours; answers the ids, sorted. */
export async function runAll(broker: Broker, clock: ManualClock): Promise<string[]> {
  const ids: string[] = [];
  // Of tasks that lost a worker one call takes one, and puts the others off for a few seconds.
  for (let left = true; left; ) {
    await clock.advance(2 * 3600_000);
    const { forwarded } = await forward(broker, { queues });
    const { tasks } = await dequeue(broker, queues, 100);
    const outcomes = tasks.map(({ queue, id, token }) => ({ queue, id, fence: { token }, to: "done" }) as const);
    if (outcomes.length > 0) await settle(broker, outcomes);
    ids.push(...tasks.map(({ id }) => id));
    left = forwarded + tasks.length > 0;
  }
  return ids.sort();
}
