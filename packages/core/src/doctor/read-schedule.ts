import type { Broker } from "../broker.ts";
import { decodeCronEntry } from "../cron/cron-entry.ts";
import { cronSchedulerId } from "../cron/tell-entries.ts";
import { decodeBytes, decodeCount, decodeList, decodePage, readReply } from "../decode-reply.ts";
import { DecodeError } from "../errors.ts";
import { allSchedulers, cronEntriesKey, lastTicksKey, schedulerKey } from "../keys.ts";
import type { SendOptions } from "../redis.ts";
import { sendPlain } from "../send-plain.ts";
import { decodeSchedulerEntry } from "../wire/scheduler-entry.ts";
import type { ScheduleFacts } from "./facts.ts";

/** Of more entries the first that are told of stand for the rest. */
const maxEntries = 1_000;
/** Of those that are stored about so many. */
const maxStored = 100;

/**
 * What ticks tell of the cron entries in Redis: the one that is due first. Reads only.
 * @throws {RedisError}
 */
export async function readSchedule({ redis }: Broker, options: SendOptions = {}): Promise<ScheduleFacts> {
  const key = schedulerKey(cronSchedulerId);
  const [entries, page, score, told] = await sendPlain(
    redis,
    [
      ["HLEN", cronEntriesKey],
      // What HGETALL answers depends on the protocol.
      ["HSCAN", cronEntriesKey, "0", "COUNT", String(maxStored)],
      ["ZSCORE", allSchedulers, key],
      ["LRANGE", key, "0", String(maxEntries - 1)],
    ],
    options,
  );
  let first: ScheduleFacts["first"];
  for (const bytes of readReply(told!, (reply) => decodeList(reply).map(decodeBytes))) {
    const { id, nextSec } = readEntry(bytes);
    if (nextSec > 0 && nextSec < (first?.nextSec ?? Number.POSITIVE_INFINITY)) first = { id, nextSec };
  }
  const { items } = readReply(page!, decodePage);
  const since = items.flatMap((text, i) => (i % 2 === 1 ? readSince(text) : []));
  return {
    entries: readReply(entries!, (reply) => decodeCount(reply)),
    sinceSec: since.length === 0 ? undefined : Math.min(...since),
    told: score !== null,
    first,
  };
}

/**
 * When the rare ticks of cron functions last ended, by name. Reads only.
 * @throws {RedisError}
 */
export async function readTicks({ redis }: Broker, options: SendOptions = {}): Promise<ReadonlyMap<string, number>> {
  const [ticks] = await sendPlain(redis, [["HSCAN", lastTicksKey, "0", "COUNT", "100"]], options);
  const { items } = readReply(ticks!, decodePage);
  return new Map(items.flatMap((name, i) => (i % 2 === 0 ? [[name, Number(items[i + 1])]] : [])));
}

/** Since when a stored entry that is to fire was to fire. */
function readSince(stored: string): number[] {
  try {
    const { paused, removed, sinceSec } = decodeCronEntry(stored);
    return paused || removed ? [] : [sinceSec];
  } catch (error) {
    if (error instanceof DecodeError) return [];
    throw error;
  }
}

function readEntry(bytes: Uint8Array): { readonly id: string; readonly nextSec: number } {
  try {
    const { id, nextEnqueueAtNs = 0n } = decodeSchedulerEntry(bytes, "an entry of a scheduler");
    return { id, nextSec: Number(nextEnqueueAtNs / 1_000_000_000n) };
  } catch (error) {
    if (error instanceof DecodeError) return { id: "", nextSec: 0 };
    throw error;
  }
}
