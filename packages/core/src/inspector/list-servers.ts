import { liveKeys } from "../broker/live-keys.ts";
import type { Broker } from "../broker.ts";
import { decodeBytes, decodeList, decodeOptional, readReply } from "../decode-reply.ts";
import { DecodeError } from "../errors.ts";
import { allServers, allWorkers } from "../keys.ts";
import type { Command, SendOptions } from "../redis.ts";
import { sendPlain } from "../send-plain.ts";
import { decodeServerInfo, decodeWorkerInfo, type ServerInfo, type WorkerInfo } from "../wire/server-info.ts";

/** A server that beats, and what it runs. Asynq: `ServerInfo`. */
export interface ListedServer {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly concurrency: number;
  /** Priority by queue. */
  readonly queues: Readonly<Record<string, number>>;
  readonly strictPriority: boolean;
  readonly startedAt: Date | undefined;
  /** `new`, `active`, `stopped` or `closed`. */
  readonly status: string;
  readonly activeWorkers: readonly ListedWorker[];
}

/** A task that a server runs. Asynq: `WorkerInfo`. */
export interface ListedWorker {
  readonly taskId: string;
  readonly taskType: string;
  /** The first 4 KiB of it, of a server of ours. */
  readonly taskPayload: Uint8Array | undefined;
  readonly queue: string;
  readonly startedAt: Date | undefined;
  readonly deadline: Date | undefined;
}

/**
 * The servers that live, ours and Go's, each with the tasks it runs; of a task without a server nothing is said, as in Asynq. What is over is
 * taken out of the index, where that is allowed, and a record that cannot be read is passed over.
 *
 * May be repeated: yes.
 * @throws {RedisError}
 * @see Asynq internal/rdb/inspect.go, `ListServers`, `ListWorkers`
 */
export async function listServers(broker: Broker, options: SendOptions = {}): Promise<ListedServer[]> {
  const [serverKeys, workerKeys] = await liveKeys(broker, [allServers, allWorkers], options);
  const gets = serverKeys!.map((key): Command => ["GET", key]);
  const lists = workerKeys!.map((key): Command => ["HVALS", key]);
  if (gets.length === 0) return [];
  const replies = await sendPlain(broker.redis, [...gets, ...lists], options);

  const running = new Map<string, ListedWorker[]>();
  for (const list of replies.slice(gets.length)) {
    for (const bytes of readReply(list, (reply) => decodeList(reply).map(decodeBytes))) {
      const worker = readable(() => decodeWorkerInfo(bytes, "the record of a running task"));
      if (worker === undefined) continue;
      const ofServer = running.get(worker.serverId) ?? [];
      running.set(worker.serverId, ofServer);
      ofServer.push(describeWorker(worker));
    }
  }
  return replies.slice(0, gets.length).flatMap((reply) => {
    const bytes = readReply(reply, (word) => decodeOptional(word, decodeBytes));
    const server = bytes && readable(() => decodeServerInfo(bytes, "the record of a server"));
    return server === undefined ? [] : [describeServer(server, running.get(server.serverId) ?? [])];
  });
}

function describeServer({ host, pid, serverId, concurrency, queues, ...info }: ServerInfo, workers: readonly ListedWorker[]): ListedServer {
  return {
    id: serverId,
    host,
    pid,
    concurrency,
    queues,
    strictPriority: info.strictPriority,
    startedAt: toDate(info.startedAtNs),
    status: info.status,
    activeWorkers: workers,
  };
}

function describeWorker({ taskId, taskType, taskPayload, queue, startedAtNs, deadlineNs }: WorkerInfo): ListedWorker {
  return { taskId, taskType, taskPayload, queue, startedAt: toDate(startedAtNs), deadline: toDate(deadlineNs) };
}

/** A time before 1970 is Go's none. */
export function toDate(timeNs: bigint | undefined): Date | undefined {
  return timeNs === undefined || timeNs < 0n ? undefined : new Date(Number(timeNs / 1_000_000n));
}

/** What a record that cannot be read leaves to its neighbours. */
export function readable<R>(decode: () => R): R | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
