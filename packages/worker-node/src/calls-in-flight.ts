import { maxDequeuePerCall } from "@asynqjs/core";

/** Calls of a queue that are under way at once: Redis carries out one while this process runs what the other brought. */
export const maxCallsInFlight = 2;

/**
 * How many tasks a call settles at most, and fetches beside. Where one call holds all tasks that a server may have, Redis and the server wait
 * for each other in turns; two calls of half as many have both at work.
 */
export function tasksPerCall(concurrency: number): number {
  return Math.min(maxDequeuePerCall, Math.ceil(concurrency / maxCallsInFlight));
}
