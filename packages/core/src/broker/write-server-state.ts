import type { Broker } from "../broker.ts";
import { decodeTime } from "../decode-reply.ts";
import { allServers, allWorkers, type ServerName, serverKey, workersKey } from "../keys.ts";
import { containers } from "../lua/containers.ts";
import type { Command, SendOptions } from "../redis.ts";
import { bind, defineScript, runAll } from "../script.ts";
import { sendPlain } from "../send-plain.ts";
import { splitCalls } from "../split-calls.ts";

/** What a server tells, ready to be stored: `encodeServerInfo` and `encodeWorkerInfo` make the bytes. */
export interface ServerRecord extends ServerName {
  readonly info: Uint8Array;
  /** The tasks it runs. Two of one id, of different queues, are one field, as in Asynq: the later stays. */
  readonly workers: readonly { readonly taskId: string; readonly info: Uint8Array }[];
}

export interface ServerLife {
  readonly nowSec: number;
  /** How long what is written stands, whole seconds. */
  readonly ttlSec: number;
  /** Whether tasks were told of before: where there are none now, the index forgets their list. */
  readonly hadWorkers?: boolean | undefined;
}

/** A call writes at most so much: Asynq writes all tasks in one. */
const maxPerWrite = { items: 100, bytes: 1024 * 1024 };

/**
 * Writes a server's record and begins the list of its tasks anew, or adds to that list. Nobody else writes these keys. Answers
 * what time it is for Redis, so that nobody has to ask that too.
 * @see Asynq internal/rdb/rdb.go, `writeServerStateCmd`
 */
export const writeServerStateScript = defineScript({
  name: "write-server-state",
  effect: "idempotent",
  keys: ["server", "workers"],
  args: { ttl_s: "text", part: "text", info: "bytes" },
  each: { task_id: "text", worker_info: "bytes" },
  lua: /* lua */ `
    ${containers}
    if part == "first" then
      redis.call("SETEX", server, ttl_s, info)
      redis.call("DEL", workers)
    elseif is_wrong("hash", workers) then
      return wrong_container()
    end
    for_each_item(task_id, worker_info) do redis.call("HSET", workers, task_id, worker_info) end
    redis.call("EXPIRE", workers, ttl_s)
    return redis.call("TIME")
  `,
  decode: decodeTime,
});

/**
 * Tells that a server lives and what it runs, for `ttlSec` whole seconds: Asynq's CLI and dashboards show it. All in one request, 100 tasks
 * a call, so that a reader may for a moment see the first hundred only. A server that runs nothing is two commands. Answers Redis' time,
 * epoch milliseconds.
 *
 * May be repeated: yes, it writes the same.
 * @throws {RedisError}
 * @see Asynq internal/rdb/rdb.go, `WriteServerState`
 */
export async function writeServerState(
  broker: Broker,
  { info, workers, ...server }: ServerRecord,
  { nowSec, ttlSec, hadWorkers = false }: ServerLife,
  options: SendOptions = {},
): Promise<number> {
  const keys = { server: serverKey(server), workers: workersKey(server) };
  const index: Command[] = [["ZADD", allServers, String(nowSec + ttlSec), keys.server]];
  if (workers.length > 0) index.push(["ZADD", allWorkers, String(nowSec + ttlSec), keys.workers]);
  else if (hadWorkers) index.push(["ZREM", allWorkers, keys.workers]);
  const [first = [], ...rest] = splitCalls(workers, maxPerWrite, (worker) => worker.info.byteLength);
  const outcomes = await runAll(
    broker,
    [first, ...rest].map((some, part) =>
      bind(writeServerStateScript, {
        queue: `${server.host}:${server.pid}:${server.serverId}`,
        keys,
        args: { ttl_s: ttlSec, part: part === 0 ? "first" : "more", info: part === 0 ? info : new Uint8Array() },
        items: some.map((worker) => ({ task_id: worker.taskId, worker_info: worker.info })),
        before: part === 0 ? index : [],
      }),
    ),
    options,
  );
  for (const { error, beforeError = error } of outcomes) if (beforeError !== undefined) throw beforeError;
  return outcomes[0]!.value!;
}

/**
 * Takes back all that `writeServerState` told, as a server does that ends.
 *
 * May be repeated: yes.
 * @throws {RedisError}
 * @see Asynq internal/rdb/rdb.go, `ClearServerState`
 */
export async function clearServerState({ redis }: Broker, server: ServerName, options: SendOptions = {}): Promise<void> {
  await sendPlain(
    redis,
    [
      ["ZREM", allServers, serverKey(server)],
      ["ZREM", allWorkers, workersKey(server)],
      ["DEL", serverKey(server), workersKey(server)],
    ],
    options,
  );
}
