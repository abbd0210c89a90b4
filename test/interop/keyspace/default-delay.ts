import { messageField, placeOf, retriedOf } from "./difference-parts.ts";
import type { Difference } from "./differences.ts";
import type { Comparison } from "./exceptions.ts";
import { taskOf } from "./snapshot.ts";

/** A failed task that waits as long as Asynq has it: n⁴ + 15 + r·(n+1) seconds after its n failures, r from 0 to 29. */
export function isDefaultDelay(difference: Difference, { go, ours, slackSec }: Comparison): boolean {
  const { queue, rest, id } = placeOf(difference);
  if (rest !== "retry" || difference.part !== "score") return false;
  return [go, ours].every((snapshot, i) => {
    const task = taskOf(snapshot, queue, id);
    const isCounted = messageField(task, 7)?.startsWith("soft") !== true;
    const failures = retriedOf(task) - (isCounted ? 1 : 0);
    const waitSec = Number(i === 0 ? difference.go : difference.ours) - Number(messageField(task, 11));
    const leastSec = failures ** 4 + 15;
    return waitSec >= leastSec - slackSec && waitSec <= leastSec + 29 * (failures + 1) + slackSec;
  });
}
