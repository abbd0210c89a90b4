/**
 * From when on waiting is a finding: the intervals of servers and cron functions as they are unless set otherwise, and as much again.
 * @module
 */
export const bounds = {
  /** A server tells of itself from its second beat on, so that one that just began is not missed. */
  unservedSec: 15,
  /** A pending task whose server has room, or has none. */
  waitingSec: 60,
  /** `forward`: servers each 5 s, cron functions each minute. */
  forwardSec: 120,
  /** `recover`: 30 s after a lease ended, servers and cron functions each minute. */
  recoverSec: 150,
  /** `janitor`: servers each 8 s, cron functions every 5 minutes. */
  janitorSec: 900,
  /** `aggregate`: what an aggregator lets tasks wait at most is its own affair; so long hardly anybody means. */
  groupedSec: 600,
  /** `schedule`: cron functions each minute, who tell of their entries after a change, and every 5 minutes. */
  scheduleSec: 420,
  /** A cron function's rare ticks run every 5 minutes: what was longer ago is no sign of life. */
  tickSec: 900,
  /** What was archived longer ago tells nothing of today. */
  troubleSec: 24 * 3600,
  archiveMaxAgeSec: 90 * 24 * 3600,
  /** Asynq's archive holds so many, and deletes the oldest for each that comes. */
  archiveMaxSize: 9_999,
  skewMs: 2_000,
  mostSkewMs: 5 * 60_000,
  /** Of `maxmemory`. */
  memoryShare: 0.9,
  flushesPerHour: 1,
  denialSec: 3_600,
} as const;
