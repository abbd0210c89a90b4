import { uniqueKey } from "@asynqjs/core";
import type { Move } from "./moves.ts";
import { secondsPassed } from "./seconds.ts";

/** How far times may be apart: both sides do a thing one after the other, and Go's clock cannot be stopped. Ours stands where Go's stood. */
export interface Slack {
  /** Of what is stored in whole seconds; 0 unless Go's second turned while it worked. */
  sec: number;
  /** Of `pending_since`. */
  ms: number;
  /** Of the ends of locks, of daily counters and of server records: Redis' own clock counts for the first and the last. */
  lockMs: number;
  statsMs: number;
  serverMs: number;
  /** Locks of scheduled tasks: Go reads its clock twice for them and cuts to the second, so they may have a second less of it. */
  readonly scheduledLocks: Set<string>;
  /** Whether what was put off in one go may have a later second than the rest, and so another place. */
  order: boolean;
}

/** What it takes Redis to be asked. */
const readMs = 20;

export function noSlack(): Slack {
  return { sec: 0, ms: 0, lockMs: 0, statsMs: readMs, serverMs: 0, scheduledLocks: new Set(), order: false };
}

/** Allows for a move that Go made in this time and we after it, ending now; answers how many seconds ended meanwhile. */
export function allowFor(slack: Slack, move: Move | undefined, startMs: number, goEndMs: number): number {
  const endMs = Date.now();
  slack.ms = Math.max(slack.ms, goEndMs - startMs + 1);
  slack.serverMs = endMs - startMs + readMs;
  if (move?.move === "enqueue") {
    slack.lockMs = Math.max(slack.lockMs, endMs - startMs + readMs);
    for (const { type, payload, options } of move.tasks) {
      const isScheduled = (options.processAtInSec ?? options.processInSec ?? 0) > 0;
      if (isScheduled) slack.scheduledLocks.add(Buffer.from(uniqueKey(move.queue, type, payload)).toString("latin1"));
    }
  }
  // Where groups are aggregated ours goes on.
  const goesOn = move?.move === "work" && move.groupMaxSize !== undefined;
  const sec = goesOn ? Math.ceil((endMs - startMs) / 1000) : secondsPassed(startMs, goEndMs);
  if (sec === 0) return 0;
  slack.sec = Math.max(slack.sec, sec);
  slack.statsMs = slack.sec * 1000 + readMs;
  slack.order = true;
  return sec;
}
