import { recordSchedulerEnqueueEvent } from "../broker/scheduler-entries.ts";
import type { Broker } from "../broker.ts";
import { unixSec, uuid } from "../clock.ts";
import { CronEntryVersionError, DuplicateTaskError, TaskIdConflictError } from "../errors.ts";
import { composeTask, describeTask } from "../options.ts";
import type { SendOptions } from "../redis.ts";
import { Task, type TaskInfo } from "../task.ts";
import { claimSlots } from "./fire-due.ts";
import { moveClaim } from "./move-claim.ts";
import { wrongKind } from "./read-claims.ts";
import { readCronEntry } from "./read-cron-entry.ts";
import { eventOf, historyTtlSec } from "./tell-entries.ts";

/**
 * Enqueues a task of an entry now, as `<id>:now:<uuid>`, whether it is paused or one of its tasks is under way or not; its slots are fired
 * as ever. To an entry with overlap `skip` it is the task that the next slot must not overlap.
 *
 * May be repeated: by the port; called again by you it enqueues another.
 * @throws {CronEntryNotFoundError}
 * @throws {DuplicateTaskError} another task holds the unique lock
 * @throws {CronEntryVersionError} somebody is changing it
 * @throws {RedisError} `unknown` means it may be enqueued
 */
export async function runCronEntry(broker: Broker, id: string, options: SendOptions = {}): Promise<TaskInfo> {
  const taskId = `${id}:now:${uuid(broker.random)}`;
  for (let tries = 0; tries < 3; tries++) {
    const entry = await readCronEntry(broker, id, options);
    const { type, payload, headers, queue } = entry;
    const task = composeTask(new Task(type, payload), { ...entry.options, headers, queue, taskId }, broker);
    const claim = { at: 0, entry, overlap: "allow", slot: "" } as const;
    const nowMs = broker.clock.nowMs();
    const [claimed] = await claimSlots(broker, [{ ...claim, from: "*", task }], { nowMs, ...options });
    const { verdict, error } = claimed!;
    if (error) throw error;
    switch (verdict) {
      case "enqueued":
        await recordSchedulerEnqueueEvent(broker, id, { ...eventOf({ taskId, atSec: unixSec(nowMs) }), ttlSec: historyTtlSec }, options);
        return describeTask(task, nowMs);
      case "duplicate-task":
        throw new DuplicateTaskError(queue, type);
      case "task-id-conflict":
        throw new TaskIdConflictError(queue, taskId);
      case "wrong-kind":
        throw wrongKind();
      case "missing":
        // Lost: it is there again from now on, as a tick would have it.
        await claimSlots(broker, [{ ...claim, from: "" }], { nowMs, ...options });
        break;
      case "sealed":
        await moveClaim(broker, entry, options);
        break;
      // Of no slot these are never said.
      case "moved":
      case "overlapping":
      case "claimed":
      case "recreated":
        break;
      default:
        verdict satisfies never;
    }
  }
  throw new CronEntryVersionError(id);
}
