import type { Broker } from "../broker.ts";
import { unixSec } from "../clock.ts";
import { decodeBytes, decodeList, readReply } from "../decode-reply.ts";
import { allSchedulers, schedulerHistoryKey, schedulerKey } from "../keys.ts";
import type { Command, Reply, SendOptions } from "../redis.ts";
import { type BoundScript, bind, defineScript, run } from "../script.ts";
import { ask, sendPlain } from "../send-plain.ts";
import { liveKeys } from "./live-keys.ts";

/** So many events of an entry are kept. Asynq: `maxEvents`. */
export const maxSchedulerEvents = 1_000;

/** Writes the list anew; nobody else writes it. @see Asynq internal/rdb/rdb.go, `writeSchedulerEntriesCmd` */
export const writeSchedulerEntriesScript = defineScript({
  name: "write-scheduler-entries",
  effect: "idempotent",
  keys: ["entries"],
  args: { ttl_s: "text" },
  each: { entry: "bytes" },
  lua: /* lua */ `
    redis.call("DEL", entries)
    for_each_item(entry) do redis.call("LPUSH", entries, entry) end
    redis.call("EXPIRE", entries, ttl_s)
  `,
  decode: () => undefined,
});

/** Adds events and drops the oldest beyond the limit. @see Asynq internal/rdb/rdb.go, `recordSchedulerEnqueueEventCmd` */
export const recordSchedulerEventScript = defineScript({
  name: "record-scheduler-event",
  effect: "idempotent",
  keys: ["history"],
  args: { newest_dropped: "text", ttl_s: "text" },
  each: { at_s: "text", event: "bytes" },
  lua: /* lua */ `
    for_each_item(at_s, event) do redis.call("ZADD", history, at_s, event) end
    redis.call("ZREMRANGEBYRANK", history, 0, newest_dropped)
    if ttl_s ~= "" then redis.call("EXPIRE", history, ttl_s) end
  `,
  decode: () => undefined,
});

/**
 * Tells which periodic tasks a scheduler has, for `ttlSec`: Asynq's CLI and dashboards show them. `encodeSchedulerEntry` makes the bytes. A
 * part of a second is made a whole one: Asynq's list would have no end.
 *
 * May be repeated: yes, it writes the same.
 * @throws {RedisError}
 * @see Asynq internal/rdb/rdb.go, `WriteSchedulerEntries`
 */
export async function writeSchedulerEntries(
  broker: Broker,
  schedulerId: string,
  entries: readonly Uint8Array[],
  ttlSec: number,
  options: SendOptions = {},
): Promise<void> {
  await run(broker, tellSchedulerEntries(broker, schedulerId, entries, ttlSec), options);
}

/** What `writeSchedulerEntries` sends, to be sent with others. */
export function tellSchedulerEntries(
  broker: Broker,
  schedulerId: string,
  entries: readonly Uint8Array[],
  ttlSec: number,
): BoundScript<undefined> {
  const key = schedulerKey(schedulerId);
  const ttl = Math.max(1, Math.ceil(ttlSec));
  return bind(writeSchedulerEntriesScript, {
    queue: schedulerId,
    keys: { entries: key },
    args: { ttl_s: ttl },
    items: entries.map((entry) => ({ entry })),
    before: [["ZADD", allSchedulers, String(unixSec(broker.clock.nowMs()) + ttl), key]],
  });
}

/**
 * Takes back what `writeSchedulerEntries` told.
 *
 * May be repeated: yes.
 * @throws {RedisError}
 * @see Asynq internal/rdb/rdb.go, `ClearSchedulerEntries`
 */
export async function clearSchedulerEntries(broker: Broker, schedulerId: string, options: SendOptions = {}): Promise<void> {
  const key = schedulerKey(schedulerId);
  await sendPlain(
    broker.redis,
    [
      ["ZREM", allSchedulers, key],
      ["DEL", key],
    ],
    options,
  );
}

/**
 * The stored entries of all schedulers that live, each scheduler's last registered first, for `decodeSchedulerEntry`. What is over is taken
 * out of the index, where that is allowed.
 * @throws {RedisError}
 * @see Asynq internal/rdb/inspect.go, `ListSchedulerEntries`
 */
export async function listSchedulerEntries(broker: Broker, options: SendOptions = {}): Promise<Uint8Array[]> {
  const [keys] = await liveKeys(broker, [allSchedulers], options);
  const lists = keys!.map((key): Command => ["LRANGE", key, "0", "-1"]);
  const entries = lists.length === 0 ? [] : await sendPlain(broker.redis, lists, options);
  return entries.flatMap((list) => readReply(list, decodeAllBytes));
}

/**
 * Keeps what an entry enqueued: the newest 1,000 events, and with `ttlSec` no longer than that after the last one, where Asynq keeps the
 * history of a scheduler that died for ever. `encodeSchedulerEnqueueEvent` makes the bytes.
 *
 * May be repeated: yes, the same event is kept once.
 * @throws {RedisError}
 * @see Asynq internal/rdb/rdb.go, `RecordSchedulerEnqueueEvent`
 */
export async function recordSchedulerEnqueueEvent(
  broker: Broker,
  entryId: string,
  { ttlSec, ...event }: StoredSchedulerEvent & { readonly ttlSec?: number | undefined },
  options: SendOptions = {},
): Promise<void> {
  await run(broker, tellSchedulerEvents(entryId, [event], ttlSec), options);
}

/** An event as its history keeps it. */
export interface StoredSchedulerEvent {
  readonly atSec: number;
  readonly event: Uint8Array;
}

/** What `recordSchedulerEnqueueEvent` sends, of several events of an entry, to be sent with others. */
export function tellSchedulerEvents(
  entryId: string,
  events: readonly StoredSchedulerEvent[],
  ttlSec: number | undefined,
): BoundScript<undefined> {
  const key = schedulerHistoryKey(entryId);
  return bind(recordSchedulerEventScript, {
    queue: key,
    keys: { history: key },
    args: { newest_dropped: -maxSchedulerEvents - 1, ttl_s: ttlSec === undefined ? "" : Math.max(1, Math.ceil(ttlSec)) },
    items: events.map(({ atSec, event }) => ({ at_s: atSec, event })),
  });
}

/**
 * The stored events of an entry, newest first, for `decodeSchedulerEnqueueEvent`: `size` of them from the `page`-th page on, the first being 1.
 * @throws {RedisError}
 * @see Asynq internal/rdb/inspect.go, `ListSchedulerEnqueueEvents`
 */
export async function listSchedulerEnqueueEvents(
  broker: Broker,
  entryId: string,
  { page = 1, size = 30 }: { readonly page?: number; readonly size?: number } = {},
  options: SendOptions = {},
): Promise<Uint8Array[]> {
  const start = (Math.max(1, page) - 1) * size;
  const found = ["ZREVRANGE", schedulerHistoryKey(entryId), String(start), String(start + size - 1)];
  return ask(broker.redis, found, decodeAllBytes, options);
}

/** Deletes the history of entries. May be repeated: yes. @throws {RedisError} @see Asynq internal/rdb/rdb.go, `ClearSchedulerHistory` */
export async function clearSchedulerHistory(broker: Broker, entryIds: readonly string[], options: SendOptions = {}): Promise<void> {
  if (entryIds.length === 0) return;
  await sendPlain(
    broker.redis,
    entryIds.map((entryId) => ["DEL", schedulerHistoryKey(entryId)]),
    options,
  );
}

function decodeAllBytes(reply: Reply): Uint8Array[] {
  return decodeList(reply).map(decodeBytes);
}
