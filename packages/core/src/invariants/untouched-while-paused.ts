import { activeKey } from "../keys.ts";
import type { Finding } from "./finding.ts";
import type { QueueState } from "./queue-state.ts";

/** I14: of a queue that was paused all the time between two looks, nothing became active. */
export function untouchedWhilePaused(before: QueueState, after: QueueState): Finding[] {
  if (!before.paused || !after.paused) return [];
  const { queue } = before;
  const wasActive = new Set(before.active);
  return after.active
    .filter((id) => !wasActive.has(id))
    .map((id) => ({ invariant: "I14", queue, key: activeKey(queue), id, message: "became active while the queue was paused" }));
}
