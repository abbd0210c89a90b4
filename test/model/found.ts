import type { KeptStep } from "./kinds.ts";

/**
 * Histories in which reality and the model parted once, as `npm run model` prints them. They name what they do by places in lists: what is
 * added to a list of tasks, faults or moves goes to its end.
 */
export const found: readonly { readonly why: string; readonly history: readonly KeptStep[] }[] = [
  {
    why: "the scan overlooked a task in a group and in a set of it where the queue was not in the list of queues",
    history: [
      {
        kind: "enqueue",
        args: { by: 2, tasks: [{ queue: 1, id: 4, dueSec: 0, group: 2, lock: 0, lockSec: 20, retentionSec: 10, maxRetry: 3 }] },
        fault: { kind: "none", at: 0 },
      },
      { kind: "fault", args: { what: 12, queue: 1, id: 4, nth: 0 }, fault: { kind: "none", at: 0 } },
      { kind: "advance", args: { sec: 120 }, fault: { kind: "none", at: 0 } },
      { kind: "fault", args: { what: 10, queue: 1, id: 4, nth: 0 }, fault: { kind: "none", at: 0 } },
      {
        kind: "aggregation-check",
        args: { by: 3, queue: 1, some: ["g:h", "g"], rule: { gracePeriodSec: 60, maxDelaySec: 0, maxSize: 0 }, maxSets: 1 },
        fault: { kind: "none", at: 0 },
      },
      { kind: "forward", args: { by: 1, some: ["a", "b"] }, fault: { kind: "none", at: 0 } },
    ],
  },
];
