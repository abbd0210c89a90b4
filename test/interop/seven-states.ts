import { Task } from "@asynqjs/client-edge";
import type { TaskState } from "@asynqjs/core";
import { patchTaskMessage } from "@asynqjs/core/wire";
import type { Redis } from "ioredis";
import { type OurBroker, ourBroker } from "./our-broker.ts";

export const taskStates: readonly TaskState[] = ["pending", "active", "scheduled", "retry", "archived", "completed", "aggregating"];

/**
 * Ours: a task in each of Asynq's seven states, its id the state's name, the group `g`; each was a suspect once, so a field of ours is in
 * its hash; and one in quarantine, whose id says so.
 */
export async function seedSevenStates(redis: Redis, nowMs?: number): Promise<OurBroker> {
  const ours = ourBroker(redis, 0, nowMs);
  for (const id of ["active", "retry", "archived", "completed", "quarantined"] as const) {
    await ours.enqueue(new Task("email:send", `to ${id}`), { taskId: id, retentionSec: 3600 });
    const [task] = await ours.take(1);
    const nowSec = Math.floor(ours.clock.nowMs() / 1000);
    const failed = patchTaskMessage(task!.msg, { errorMsg: "failed in Node", lastFailedAtSec: nowSec, retried: 1 });
    if (id === "retry") await ours.settle(task!, { to: "retry", msg: failed, retryAtSec: nowSec + 3600, isFailure: true });
    if (id === "archived") await ours.settle(task!, { to: "archived", msg: failed });
    if (id === "completed")
      await ours.settle(task!, {
        to: "completed",
        msg: patchTaskMessage(task!.msg, { completedAtSec: nowSec }),
        expireAtSec: nowSec + 3600,
      });
    if (id === "quarantined") await ours.settle(task!, { to: "quarantined", why: "for the test" });
  }
  await ours.enqueue(new Task("email:send", "to scheduled"), { taskId: "scheduled", processInSec: 3600 });
  await ours.enqueue(new Task("email:send", "to aggregating"), { taskId: "aggregating", group: "g" });
  await ours.enqueue(new Task("email:send", "to pending"), { taskId: "pending" });
  for (const state of taskStates) await redis.hset(`asynq:{default}:t:${state}`, "js:recovered", "1@0");
  return ours;
}
