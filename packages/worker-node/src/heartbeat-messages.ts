/**
 * What the server and its heartbeat thread tell each other. Monotonic times are those of `processMs`, which all threads of a process share.
 * @module
 */
import type { CancelIntent } from "@asynqjs/core";
import type { ParsedRedis } from "@asynqjs/core/redis/ioredis";
import type { HeldLease } from "./heartbeater.ts";
import type { LogDetails, Logger } from "./logger.ts";
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
}

/** To the thread. A handle is a number that stands for a lease. */
export type ToThread =
  | { readonly kind: "leases"; readonly hold?: PackedLeases; readonly forget: readonly number[] }
  | { readonly kind: "tell"; readonly status: ServerState }
  | { readonly kind: "stop" };

/** From the thread. */
export type FromThread =
  /** It runs. */
  | { readonly kind: "begun" }
  /** After each beat: which leases go on until when, and how far Redis' clock is ahead. */
  | { readonly kind: "beat"; readonly extended: readonly number[]; readonly endsAtMs: number; readonly offsetMs: number }
  | { readonly kind: "lost"; readonly handle: number; readonly code: "LEASE_LOST" | "LEASE_EXPIRED" }
  | { readonly kind: "canceled"; readonly intent: CancelIntent }
  | { readonly kind: "count"; readonly counter: Counter; readonly count: number }
  | { readonly kind: "log"; readonly level: keyof Logger; readonly message: string; readonly details?: LogDetails | undefined };

/** Leases side by side in few values, which cost a third of what as many objects cost to hand over. */
export interface PackedLeases {
  readonly queues: readonly string[];
  readonly ids: readonly string[];
  readonly types: readonly string[];
  /** Of each lease: handle, token, end, deadline, start and deadline of its run, end of its payload among all. */
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly payloads: Uint8Array<ArrayBuffer>;
}

const perLease = 7;

/** Packs leases with their handles, their monotonic times shifted by `aheadMs`. */
export function packLeases(leases: readonly HeldLease[], handles: readonly number[], aheadMs: number): PackedLeases {
  const numbers = new Float64Array(leases.length * perLease);
  let end = 0;
  for (const [i, { token, endsAtMs, deadlineMs, run }] of leases.entries()) {
    end += run.payload.byteLength;
    numbers.set([handles[i]!, token, endsAtMs + aheadMs, deadlineMs + aheadMs, run.startedAtMs, run.deadlineAtMs, end], i * perLease);
  }
  const payloads = new Uint8Array(end);
  let at = 0;
  for (const { run } of leases) {
    payloads.set(run.payload, at);
    at += run.payload.byteLength;
  }
  return {
    queues: leases.map(({ queue }) => queue),
    ids: leases.map(({ id }) => id),
    types: leases.map(({ run }) => run.type),
    numbers,
    payloads,
  };
}

/** The leases with their handles; `onLost` is made for each of them. */
export function unpackLeases(
  { queues, ids, types, numbers, payloads }: PackedLeases,
  onLost: (handle: number) => HeldLease["onLost"],
): { readonly handle: number; readonly lease: HeldLease }[] {
  let at = 0;
  return ids.map((id, i) => {
    const [handle, token, endsAtMs, deadlineMs, startedAtMs, deadlineAtMs, end] = numbers.subarray(
      i * perLease,
      (i + 1) * perLease,
    ) as never as [...[number, number, number, number, number, number, number]];
    const run = { type: types[i]!, payload: payloads.subarray(at, end), startedAtMs, deadlineAtMs };
    at = end;
    return { handle, lease: { queue: queues[i]!, id, token, endsAtMs, deadlineMs, run, onLost: onLost(handle) } };
  });
}
