import { type Clock, demand, systemClock } from "@asynqjs/core";

export interface TokenBucketOptions {
  /** How many tasks a caller may enqueue a second for good. Default 100. */
  readonly tasksPerSec?: number | undefined;
  /** How many at once, after a pause. Default 1,000. */
  readonly burst?: number | undefined;
  readonly clock?: Clock | undefined;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/**
 * A rate limit in the memory of this process: a bucket of `burst` tokens for each caller, into which flow `tasksPerSec`. A request of more
 * tasks than a bucket holds waits for a full one, and is paid off by those behind it.
 *
 * On the edge a process is an isolate: there are as many as the platform likes, each with buckets of its own, and a new one's are full.
 * There it bounds what one caller does to one isolate, not what it does in all; for that give an endpoint a limit that all share.
 * @throws {InvalidOptionError} a number that is not above 0
 */
export function tokenBuckets({
  tasksPerSec = 100,
  burst = 1000,
  clock = systemClock,
}: TokenBucketOptions = {}): (caller: string, tasks: number) => number {
  for (const [option, value] of Object.entries({ tasksPerSec, burst }))
    demand(Number.isFinite(value) && value > 0, option, "expected a number above 0");
  const buckets = new Map<string, Bucket>();
  const fillMs = (burst / tasksPerSec) * 1000;
  let sweepAtMs = 0;

  const fill = (bucket: Bucket, nowMs: number): void => {
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * tasksPerSec);
    bucket.atMs = nowMs;
  };
  return (caller, tasks) => {
    const nowMs = clock.monotonicMs();
    if (nowMs >= sweepAtMs) {
      // A full bucket is as good as none, so what is kept are those in use.
      for (const [name, bucket] of buckets) {
        fill(bucket, nowMs);
        if (bucket.tokens === burst) buckets.delete(name);
      }
      sweepAtMs = nowMs + fillMs;
    }
    const bucket = buckets.get(caller) ?? { tokens: burst, atMs: nowMs };
    buckets.set(caller, bucket);
    fill(bucket, nowMs);
    const missing = Math.min(tasks, burst) - bucket.tokens;
    if (missing > 0) return Math.ceil((missing / tasksPerSec) * 1000);
    bucket.tokens -= tasks;
    return 0;
  };
}
