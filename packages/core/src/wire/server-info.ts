/**
 * What a server tells about itself and the tasks it runs, for as long as it beats.
 * @see Asynq internal/base/base.go, `ServerInfo`, `WorkerInfo`
 * @module
 */
import { asynq } from "./generated/server-records.ts";
import { type MessageReader, ownBytes, ownRecord, readMessage } from "./read-message.ts";
import { readTimestamp, type Timestamp, writeTimestamp } from "./timestamp.ts";
import { int32, type MessageWriter, writeMessage } from "./write-message.ts";

/** A server, the value of `asynq:servers:{…}`. */
export interface ServerInfo {
  readonly host: string;
  readonly pid: number;
  readonly serverId: string;
  readonly concurrency: number;
  /** Priority by queue, as configured. */
  readonly queues: Readonly<Record<string, number>>;
  readonly strictPriority: boolean;
  /** `new`, `active`, `stopped` or `closed`. */
  readonly status: string;
  /** Nanoseconds since 1970. */
  readonly startedAtNs: bigint | undefined;
  readonly activeWorkerCount: number;
}

/** A task being run, a field's value in `asynq:workers:{…}`. */
export interface WorkerInfo {
  readonly host: string;
  readonly pid: number;
  readonly serverId: string;
  readonly taskId: string;
  readonly taskType: string;
  readonly taskPayload?: Uint8Array | undefined;
  readonly queue: string;
  /** Nanoseconds since 1970. */
  readonly startedAtNs: bigint | undefined;
  /** When the run must be over, nanoseconds since 1970. */
  readonly deadlineNs: bigint | undefined;
}

type Stored<Info> = Omit<Info, "startedAtNs" | "deadlineNs" | "taskPayload"> & { readonly startTime?: Timestamp | null | undefined };
type StoredServerInfo = Stored<ServerInfo>;
type StoredWorkerInfo = Stored<WorkerInfo> & {
  readonly taskPayload: Uint8Array;
  readonly deadline?: Timestamp | null | undefined;
};

const serverCode: MessageReader<StoredServerInfo> & MessageWriter<StoredServerInfo> = asynq.ServerInfo;
const workerCode: MessageReader<StoredWorkerInfo> & MessageWriter<StoredWorkerInfo> = asynq.WorkerInfo;

/**
 * Reads a server. `queues` has no prototype.
 * @param where what the bytes are, for the error
 * @throws {DecodeError}
 * @see Asynq internal/base/base.go, `DecodeServerInfo`
 */
export function decodeServerInfo(bytes: Uint8Array, where: string): ServerInfo {
  const read = readMessage(serverCode, bytes, where);
  return {
    host: read.host,
    pid: read.pid,
    serverId: read.serverId,
    concurrency: read.concurrency,
    queues: ownRecord(read.queues),
    strictPriority: read.strictPriority,
    status: read.status,
    startedAtNs: readTimestamp(read.startTime),
    activeWorkerCount: read.activeWorkerCount,
  };
}

/**
 * Writes a server as Asynq does; text is made well-formed.
 * @throws {InvalidOptionError} a number or a time its field does not hold
 * @see Asynq internal/base/base.go, `EncodeServerInfo`
 */
export function encodeServerInfo(info: ServerInfo): Uint8Array {
  const queues: Record<string, number> = Object.create(null);
  for (const name of Object.keys(info.queues).sort()) queues[name.toWellFormed()] = int32("queues", info.queues[name]!);
  return writeMessage(serverCode, {
    host: info.host.toWellFormed(),
    pid: int32("pid", info.pid),
    serverId: info.serverId.toWellFormed(),
    concurrency: int32("concurrency", info.concurrency),
    queues,
    strictPriority: info.strictPriority,
    status: info.status.toWellFormed(),
    startTime: writeTimestamp("startedAtNs", info.startedAtNs),
    activeWorkerCount: int32("activeWorkerCount", info.activeWorkerCount),
  });
}

/**
 * Reads a task being run. The payload is a copy.
 * @param where what the bytes are, for the error
 * @throws {DecodeError}
 * @see Asynq internal/base/base.go, `DecodeWorkerInfo`
 */
export function decodeWorkerInfo(bytes: Uint8Array, where: string): WorkerInfo {
  const read = readMessage(workerCode, bytes, where);
  return {
    host: read.host,
    pid: read.pid,
    serverId: read.serverId,
    taskId: read.taskId,
    taskType: read.taskType,
    taskPayload: ownBytes(read.taskPayload),
    queue: read.queue,
    startedAtNs: readTimestamp(read.startTime),
    deadlineNs: readTimestamp(read.deadline),
  };
}

/**
 * Writes a task being run as Asynq does; text is made well-formed.
 * @throws {InvalidOptionError} a number or a time its field does not hold
 * @see Asynq internal/base/base.go, `EncodeWorkerInfo`
 */
export function encodeWorkerInfo(info: WorkerInfo): Uint8Array {
  return writeMessage(workerCode, {
    host: info.host.toWellFormed(),
    pid: int32("pid", info.pid),
    serverId: info.serverId.toWellFormed(),
    taskId: info.taskId.toWellFormed(),
    taskType: info.taskType.toWellFormed(),
    taskPayload: info.taskPayload ?? new Uint8Array(),
    queue: info.queue.toWellFormed(),
    startTime: writeTimestamp("startedAtNs", info.startedAtNs),
    deadline: writeTimestamp("deadlineNs", info.deadlineNs),
  });
}
