import { seededRandom } from "@asynqjs/core/testing";
import { inject } from "vitest";
import { expectSound } from "./after.ts";
import { countersOf } from "./history/counters-of.ts";
import type { Fault, Run } from "./history/explain-runs.ts";
import { figuresOf, liveThrough } from "./history/live-through.ts";
import { unleash } from "./history/nemesis.ts";
import { expect, test } from "./lab.ts";

const { seed, tasks, go, ci } = inject("chaos");

/**
 * What makes a task run again: its worker died, was stopped or stood still, or its lease or a call's record was taken away. A connection that
 * is cut, or a Redis that hangs for less than a lease, is none where the worker is ours: the call is repeated, and answered as the first time.
 */
function explains({ fault }: Fault, { worker }: Run): boolean {
  if (/^(kill|shut down|freeze) (node|go)|^evict (lease|leases|call records)$/.test(fault)) return true;
  return worker.startsWith("go") && /^(cut go|kill connections|freeze Redis)/.test(fault);
}

test(`F1 F3 F21 F42: ${tasks} tasks, workers of ours and of Go killed, frozen and cut off, keys evicted (seed ${seed}): nothing is lost, unexpected or stuck, and every second run has its cause`, {
  timeout: ci ? 400_000 : 3_600_000,
}, async ({ lab }) => {
  const redis = await lab.startRedis();
  const lived = await liveThrough(lab, {
    ...{ redis, random: seededRandom(seed), tasks, explains },
    // The faults are to last at least as long as a worker is frozen for real.
    perSec: Math.min(450, tasks / 80),
    crew: { node: 3, go: "missing" in go ? 0 : 3 },
    async afflict(target, enqueued) {
      const nemesis = unleash(target);
      await new Promise((resolve) => enqueued.addEventListener("abort", resolve, { once: true }));
      await nemesis.rest();
    },
  });

  lab.report(figuresOf(lived));
  const { lost, unexpected, stuck } = lived.queue;
  const { unexplained } = lived.explained;
  expect({ lost, unexpected, stuck, unexplained }).toEqual({ lost: [], unexpected: [], stuck: [], unexplained: [] });
  // Each success was counted once, whoever may have written it twice. But where its record was evicted before an enqueue was repeated, and the
  // task was done by then, the repetition made a second task.
  const { processed, failed } = await countersOf(redis.admin);
  const { over, kept } = lived.judged;
  const again = processed - failed - (over.size - kept.archived - kept.evicted);
  const { "evict call records": byRecords = 0 } = lived.explained.possibly;
  expect(again).toBeGreaterThanOrEqual(0);
  expect(again).toBeLessThanOrEqual(byRecords);
  await expectSound(redis.admin);
});
