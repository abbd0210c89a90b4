/**
 * Every Redis key, its type and its content. Queue keys carry the hash tag `{queue}`, so one queue lives in one Cluster slot.
 * @see Asynq internal/base/base.go
 * @module
 */
import { hex } from "./hex.ts";
import { md5 } from "./md5.ts";

/** SET of queue names: what an inspector can see. */
export const allQueues = "asynq:queues";

/** ZSET of the keys of servers that beat, by the second each is over. */
export const allServers = "asynq:servers";

/** ZSET of the keys of those servers' running tasks, by the second each is over. */
export const allWorkers = "asynq:workers";

/** What one server is known by: both its keys carry it as their hash tag. */
export interface ServerName {
  readonly host: string;
  readonly pid: number;
  readonly serverId: string;
}

/** STRING: what a server tells of itself (`ServerInfo`); expires. */
export function serverKey({ host, pid, serverId }: ServerName): string {
  return `asynq:servers:{${host}:${pid}:${serverId}}`;
}

/** HASH: the tasks a server runs (`WorkerInfo`) by their id; expires, and is absent when there are none. */
export function workersKey({ host, pid, serverId }: ServerName): string {
  return `asynq:workers:{${host}:${pid}:${serverId}}`;
}

/** What all keys of a queue begin with. */
export function queuePrefix(queue: string): string {
  return `asynq:{${queue}}:`;
}

/** The name of a queue's key in two; nothing for a key of no queue. Go lets a queue's name hold braces: it ends at the first `}:`. */
export function splitKey(key: string): { readonly queue: string; readonly rest: string } | undefined {
  const match = /^asynq:\{(.*?)\}:(.*)/s.exec(key);
  return match === null ? undefined : { queue: match[1]!, rest: match[2]! };
}

/** HASH: `msg`, `state`, `pending_since`, `unique_key`, `group`, `result`, and ours `js:*` (docs/extensions.md). */
export function taskKey(queue: string, id: string): string {
  return `asynq:{${queue}}:t:${id}`;
}

/** LIST of ids; enqueued on the left, taken from the right. */
export function pendingKey(queue: string): string {
  return `asynq:{${queue}}:pending`;
}

/** LIST of ids being processed. */
export function activeKey(queue: string): string {
  return `asynq:{${queue}}:active`;
}

/** ZSET of ids; the whole part of the score is the second the lease ends, the fraction the owner's token (docs/extensions.md). */
export function leaseKey(queue: string): string {
  return `asynq:{${queue}}:lease`;
}

/** ZSET of ids by the second they are due. */
export function scheduledKey(queue: string): string {
  return `asynq:{${queue}}:scheduled`;
}

/** ZSET of ids by the second of the next try. */
export function retryKey(queue: string): string {
  return `asynq:{${queue}}:retry`;
}

/** ZSET of ids by the second they were archived. */
export function archivedKey(queue: string): string {
  return `asynq:{${queue}}:archived`;
}

/** ZSET of ids by the second their retention ends. */
export function completedKey(queue: string): string {
  return `asynq:{${queue}}:completed`;
}

/** STRING; only its existence counts. */
export function pausedKey(queue: string): string {
  return `asynq:{${queue}}:paused`;
}

/** SET of group names that have tasks waiting. */
export function groupsKey(queue: string): string {
  return `asynq:{${queue}}:groups`;
}

/** ZSET of ids waiting in a group, by the second they came. */
export function groupKey(queue: string, group: string): string {
  return `asynq:{${queue}}:g:${group}`;
}

/** ZSET of the ids of one aggregation set, with the scores they had in their group. The id of a set has no colon. */
export function aggregationSetKey(queue: string, group: string, setId: string): string {
  return `${groupKey(queue, group)}:${setId}`;
}

/** ZSET of the whole keys of aggregation sets, by the second from which on anybody may give a set's tasks back to its group. */
export function aggregationSetsKey(queue: string): string {
  return `asynq:{${queue}}:aggregation_sets`;
}

/** STRING: processed tasks in total. */
export function processedTotalKey(queue: string): string {
  return `asynq:{${queue}}:processed`;
}

/** STRING: failures in total. */
export function failedTotalKey(queue: string): string {
  return `asynq:{${queue}}:failed`;
}

/** STRING: processed tasks of one UTC day, kept 90 days. */
export function processedKey(queue: string, day: string): string {
  return `asynq:{${queue}}:processed:${day}`;
}

/** STRING: failures of one UTC day, kept 90 days. */
export function failedKey(queue: string, day: string): string {
  return `asynq:{${queue}}:failed:${day}`;
}

/**
 * STRING: the id of the task that holds the lock; its TTL is the uniqueness.
 *
 * A task without payload and one with an empty payload have different keys, as in Asynq.
 * @see Asynq internal/base/base.go, `UniqueKey`
 */
export function uniqueKey(queue: string, type: string, payload: Uint8Array | undefined): string {
  return `asynq:{${queue}}:unique:${type}:${payload === undefined ? "" : hex(md5(payload))}`;
}

/** ZSET of the ids of tasks that hold a token of a semaphore, by the second their hold ends. Belongs to no queue. @see Asynq x/rate/semaphore.go */
export function semaphoreKey(scope: string): string {
  return `asynq:sema:${scope}`;
}

/** ZSET of the keys of what schedulers tell, by the second up to which it holds. @see Asynq internal/base/base.go, `AllSchedulers` */
export const allSchedulers = "asynq:schedulers";

/** LIST of the periodic tasks of a scheduler, the last registered first. `<host>:<pid>:<uuid>` is its id. @see Asynq, `SchedulerEntriesKey` */
export function schedulerKey(schedulerId: string): string {
  return `asynq:schedulers:{${schedulerId}}`;
}

/** ZSET of what an entry enqueued, by the second of that. @see Asynq, `SchedulerHistoryKey` */
export function schedulerHistoryKey(entryId: string): string {
  return `asynq:scheduler_history:${entryId}`;
}

/** The channel on which servers hear the id of a task that is to end. @see Asynq internal/base/base.go, `CancelChannel` */
export const cancelChannel = "asynq:cancel";

/** The channel for cancelations that name a queue, which Go's servers do not know. Ours (docs/extensions.md). */
export const narrowCancelChannel = "asynq:js:cancel";

/** ZSET of cancelations by the second up to which they are worth hearing of. Ours (docs/extensions.md). */
export const cancelIntentsKey = "asynq:js:cancel";

/** ZSET of ids whose message cannot be read, by the second they were found. Ours (docs/extensions.md). */
export function quarantineKey(queue: string): string {
  return `asynq:{${queue}}:js:quarantine`;
}

/** STRING: how far the repair of a queue's containers has come; expires. Ours (docs/extensions.md). */
export function repairCursorKey(queue: string): string {
  return `asynq:{${queue}}:js:repair`;
}

/** HASH: how far the sweep over all keys has come, per part of the keyspace. Ours (docs/extensions.md). */
export const sweepCursorKey = "asynq:js:sweep";

/** ZSET of keys that the sweep found unsound, by the second of the first find. Ours (docs/extensions.md). */
export const sweepFoundKey = "asynq:js:sweep:found";

/** ZSET of the whole keys of sets whose aggregated task is enqueued, by the second of that: what they hold is to be deleted. Ours (docs/extensions.md). */
export function aggregatedKey(queue: string): string {
  return `asynq:{${queue}}:js:aggregated`;
}

/** STRING: the last call of one lane of one client and what it was answered; expires. Ours (docs/extensions.md). */
export function callKey(queue: string, client: string, lane: number): string {
  return `asynq:{${queue}}:js:call:${client}:${lane}`;
}

/** HASH: the cron entries of all queues by their id, each as `<version>\n<JSON>`. Ours (docs/extensions.md). */
export const cronEntriesKey = "asynq:js:cron";

/** HASH: which slots of a cron entry are decided; over 90 days after its entry. Ours (docs/extensions.md). */
export function cronClaimKey(queue: string, entryId: string): string {
  return `asynq:{${queue}}:js:cron:${entryId}`;
}

/**
 * A key that nobody ever writes. On a Cluster every script names it last: while the queue's slot moves to another master, Redis refuses a
 * call that names a key which is not there (TRYAGAIN, ASK), and the port repeats it until the queue is whole again. Without it a script
 * would find the containers and take the tasks that went ahead for gone.
 */
export function absentKey(queue: string): string {
  return `asynq:{${queue}}:js:absent`;
}

/** HASH: when each of the ticks that are not due every minute last ended, seconds. Ours (docs/extensions.md). */
export const lastTicksKey = "asynq:js:ticks";
