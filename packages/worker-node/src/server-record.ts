import { hostname } from "node:os";
import { type ServerName, type ServerRecord, uuid } from "@asynqjs/core";
import { encodeServerInfo, encodeWorkerInfo } from "@asynqjs/core/wire";
import type { Settings } from "./config.ts";
import type { HeldLease } from "./heartbeater.ts";
import type { ServerState } from "./server.ts";

/** What a server tells of itself that does not change. Plain data. */
export interface ServerFacts extends ServerName {
  readonly concurrency: number;
  readonly queues: Readonly<Record<string, number>>;
  readonly strictPriority: boolean;
  /** Epoch milliseconds. */
  readonly startedAtMs: number;
}

/** What is told of a task being run. */
export interface RunFacts {
  readonly type: string;
  /** What `shownPayload` leaves of it. */
  readonly payload: Uint8Array;
  /** Epoch milliseconds. */
  readonly startedAtMs: number;
  /** Epoch milliseconds. */
  readonly deadlineAtMs: number;
}

/** So much of a running task's payload is told, bytes. Asynq tells all of it, every 5 s. */
const maxShownBytes = 4 * 1024;

/** A server that starts now, on this machine, under a name of its own. */
export function describeServer({ concurrency, queues, strictPriority, clock, random }: Settings): ServerFacts {
  // Asynq's word for a machine without a name.
  const host = hostname() || "unknown-host";
  return { host, pid: process.pid, serverId: uuid(random), concurrency, queues, strictPriority, startedAtMs: clock.nowMs() };
}

/** A payload of up to 4 KiB as it is; of a longer one that much of its beginning, at a character's edge where it is text. A view, no copy. */
export function shownPayload(payload: Uint8Array = new Uint8Array()): Uint8Array {
  if (payload.byteLength <= maxShownBytes) return payload;
  let end = maxShownBytes;
  // A byte 10xxxxxx goes on with a character; none has more than three of them.
  while (end > maxShownBytes - 3 && (payload[end]! & 0xc0) === 0x80) end--;
  return payload.subarray(0, end);
}

/**
 * The records of a server as they are to be stored.
 * @throws {InvalidOptionError} a number that Asynq's record does not hold
 */
export function serverRecord(server: ServerFacts, status: ServerState, held: ReadonlySet<HeldLease>): ServerRecord {
  const { host, pid, serverId, concurrency, queues, strictPriority, startedAtMs } = server;
  const info = encodeServerInfo({
    ...{ host, pid, serverId, concurrency, queues, strictPriority, status },
    startedAtNs: toNs(startedAtMs),
    activeWorkerCount: held.size,
  });
  const workers = Array.from(held, ({ queue, id, run }) => ({
    taskId: id,
    info: encodeWorkerInfo({
      ...{ host, pid, serverId, queue },
      taskId: id,
      taskType: run.type,
      taskPayload: run.payload,
      startedAtNs: toNs(run.startedAtMs),
      deadlineNs: toNs(run.deadlineAtMs),
    }),
  }));
  return { host, pid, serverId, info, workers };
}

const lastMs = Date.UTC(9999, 11, 31);

/** Nanoseconds since 1970, to the millisecond, within what a protobuf time can say: a task's deadline may lie anywhere. */
function toNs(epochMs: number): bigint {
  return BigInt(Math.round(Math.min(Math.max(0, epochMs), lastMs))) * 1_000_000n;
}
