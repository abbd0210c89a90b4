import type { Broker } from "../broker.ts";
import { composeTask, type NewTask } from "../options.ts";
import { Task } from "../task.ts";
import type { CronEntry } from "./cron-entry.ts";

/**
 * The task of a slot: `<id>:<slot>`, due at the slot, later by `processInSec` and by its jitter, and at once where that is past.
 * @throws {InvalidOptionError} an entry that was stored otherwise than by us
 */
export function makeCronTask(entry: CronEntry, slotSec: number, { clock, random }: Pick<Broker, "clock" | "random">): NewTask {
  const { id, type, payload, queue, headers, options, jitterSec } = entry;
  const { processInSec = 0, ...rest } = options;
  const taskId = `${id}:${slotSec}`;
  const dueSec = slotSec + processInSec + (jitterSec === 0 ? 0 : hashOf(taskId) % (jitterSec + 1));
  return composeTask(new Task(type, payload), { ...rest, headers, queue, taskId, processAt: new Date(dueSec * 1000) }, { clock, random });
}

/** The slot that a task was made for; nothing where it was run by hand. */
export function slotOf(taskId: string): number | undefined {
  const slot = /:(\d+)$/.exec(taskId)?.[1];
  return slot === undefined ? undefined : Number(slot);
}

/** FNV-1a with a last mix: the same everywhere, and spread over 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
