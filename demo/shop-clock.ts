import { type Clock, systemClock } from "@asynqjs/core";

/** How many of the shop's minutes pass in one of ours. */
export const shopSpeed = 15;

/**
 * The one clock that the edge Worker, the cron Worker and the Node worker go by: right when the shop opened, and fast since. Its seconds, its
 * monotonic clock and its timers keep the same pace, so that whoever goes by it sees nothing but ordinary minutes.
 */
export function shopClock(openedAtMs: number): Clock {
  return {
    nowMs: () => openedAtMs + (systemClock.nowMs() - openedAtMs) * shopSpeed,
    monotonicMs: () => systemClock.monotonicMs() * shopSpeed,
    after: (delayMs, then) => systemClock.after(delayMs / shopSpeed, then),
  };
}

/** A time of the shop's clock as a clock on its wall shows it, UTC. */
export function wallTime(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 19);
}
