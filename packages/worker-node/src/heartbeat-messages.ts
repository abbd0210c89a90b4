/**
 * What the server and its heartbeat thread tell each other. Monotonic times are those of `processMs`, which all threads of a process share.
 * @module
 */
import type { CancelIntent, LogDetails, Logger } from "@asynqjs/core";
import type { ParsedRedis } from "@asynqjs/core/redis/ioredis";
import type { Counter } from "./metrics.ts";
import type { ServerState } from "./server.ts";
import type { ServerFacts } from "./server-record.ts";

/** What a thread begins with. Plain data. */
export interface ThreadSettings {
  readonly redis: ParsedRedis;
  readonly server: ServerFacts;
  readonly status: ServerState;
  readonly heartbeatIntervalMs: number;
  readonly leaseSec?: number | undefined;
  /** How far Redis' clock was ahead of this machine's. */
  readonly offsetMs: number;
  /** That of the table of leases. */
  readonly memory: SharedArrayBuffer;
}

/** To the thread. */
export type ToThread =
  /** It rests, and something is held now. */
  | { readonly kind: "wake" }
  /** The leases stand in another table from now on. */
  | { readonly kind: "table"; readonly memory: SharedArrayBuffer }
  | { readonly kind: "tell"; readonly status: ServerState }
  | { readonly kind: "stop" };

/** From the thread. A handle is that of a lease in the table. */
export type FromThread =
  /** It runs. */
  | { readonly kind: "begun" }
  /** After each beat: which leases go on until when, and how far Redis' clock is ahead. */
  | { readonly kind: "beat"; readonly extended: readonly number[]; readonly endsAtMs: number; readonly offsetMs: number }
  | { readonly kind: "lost"; readonly handle: number; readonly code: "LEASE_LOST" | "LEASE_EXPIRED" }
  | { readonly kind: "canceled"; readonly intent: CancelIntent }
  | { readonly kind: "count"; readonly counter: Counter; readonly count: number }
  | { readonly kind: "log"; readonly level: keyof Logger; readonly message: string; readonly details?: LogDetails | undefined };
