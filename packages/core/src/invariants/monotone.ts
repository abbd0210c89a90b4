import { queuePrefix } from "../keys.ts";
import type { Finding } from "./finding.ts";
import type { QueueState } from "./queue-state.ts";

/**
 * I11 over time: no counter is lower than it was, and none of a total is gone. Those of a day expire. A total that would pass int64 starts
 * again, as in Asynq.
 */
export function monotone(before: QueueState, after: QueueState): Finding[] {
  const { queue } = before;
  const findings: Finding[] = [];
  for (const [rest, was] of before.counters) {
    const is = after.counters.get(rest);
    if (is === undefined ? rest.includes(":") : BigInt(is) >= BigInt(was) || BigInt(was) > restartsFrom) continue;
    findings.push({ invariant: "I11", queue, key: queuePrefix(queue) + rest, message: `was ${was}, and is ${is ?? "gone"}` });
  }
  return findings;
}

/** What is so near to the end of int64 may start again with the next batch. */
const restartsFrom = 2n ** 63n - 1_000_000n;
