import {
  type AggregationSet,
  aggregationCheck,
  type Broker,
  type DequeuedTask,
  dequeue,
  type EnqueueOptions,
  enqueue,
  type NewTask,
  type Payload,
  settle,
} from "@asynqjs/core";
import { patchTaskMessage } from "@asynqjs/core/wire";

/** The ids of the tasks that `seedEveryState` makes; `grouped-later` is scheduled, `recovered` in retry. */
export const everyId = [
  "active",
  "aggregating",
  "archived",
  "completed",
  "grouped-later",
  "in-a-set",
  "pending",
  "quarantined",
  "recovered",
  "retry",
  "scheduled",
  "unique-in-a-set",
] as const;

/**
 * A queue with a task in every state that core can bring one to, in the group `g` and in a set of it too, with locks and counters. What has
 * a time is due, or over, a minute later. Answers what is held: the active task and the set.
 */
export async function seedEveryState(
  broker: Broker,
  aTask: (options: EnqueueOptions & { readonly payload?: Payload }) => NewTask,
  queue = "default",
): Promise<{ readonly active: DequeuedTask; readonly set: AggregationSet }> {
  const nowSec = Math.floor(broker.clock.nowMs() / 1000);
  let active: DequeuedTask | undefined;
  for (const id of ["retry", "archived", "completed", "quarantined", "recovered", "active"]) {
    await enqueue(broker, [aTask({ queue, taskId: id, uniqueTtlSec: 3600, payload: id })]);
    [active] = (await dequeue(broker, [queue], 1)).tasks;
    const { token, msg: stored } = active!;
    const to = { queue, id, fence: { token } };
    const msg = patchTaskMessage(stored, { errorMsg: "failed", lastFailedAtSec: nowSec, retried: 1 });
    if (id === "retry") await settle(broker, [{ ...to, to: "retry", msg, retryAtSec: nowSec + 60, isFailure: true }]);
    if (id === "archived") await settle(broker, [{ ...to, to: "archived", msg }]);
    if (id === "completed") await settle(broker, [{ ...to, to: "completed", msg, expireAtSec: nowSec + 60 }]);
    if (id === "quarantined") await settle(broker, [{ ...to, to: "quarantined", why: "for the test" }]);
    if (id === "recovered")
      await settle(broker, [{ ...to, to: "recovered", msg: patchTaskMessage(stored, {}), retryAtSec: nowSec + 60, recovered: "1@0" }]);
  }
  await enqueue(broker, [
    aTask({ queue, taskId: "in-a-set", group: "g", payload: "in" }),
    aTask({ queue, taskId: "unique-in-a-set", group: "g", payload: "unique", uniqueTtlSec: 3600 }),
  ]);
  const [checked] = await aggregationCheck(broker, queue, ["g"], { gracePeriodSec: 60, maxDelaySec: 0, maxSize: 2 });
  await enqueue(broker, [
    aTask({ queue, taskId: "aggregating", group: "g" }),
    aTask({ queue, taskId: "scheduled", processInSec: 60 }),
    aTask({ queue, taskId: "grouped-later", processInSec: 60, group: "g" }),
    aTask({ queue, taskId: "pending" }),
  ]);
  return { active: active!, set: checked!.set! };
}
