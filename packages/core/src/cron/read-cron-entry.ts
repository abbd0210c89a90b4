import type { Broker } from "../broker.ts";
import { decodeOptional } from "../decode-reply.ts";
import { CronEntryNotFoundError } from "../errors.ts";
import { cronEntriesKey } from "../keys.ts";
import type { SendOptions } from "../redis.ts";
import { sendPlain } from "../send-plain.ts";
import { decodeText } from "../verdicts.ts";
import { type CronEntry, decodeCronEntry } from "./cron-entry.ts";

/** An entry as it is stored, also one that is being removed. @throws {RedisError} @throws {DecodeError} */
export async function findCronEntry({ redis }: Broker, id: string, options: SendOptions = {}): Promise<CronEntry | undefined> {
  const [text] = await sendPlain(redis, [["HGET", cronEntriesKey, id]], options);
  const stored = decodeOptional(text!, decodeText);
  return stored === undefined ? undefined : decodeCronEntry(stored);
}

/**
 * Reads an entry.
 * @throws {CronEntryNotFoundError}
 * @throws {DecodeError} another version of asynqjs wrote it, or somebody else
 * @throws {RedisError}
 */
export async function readCronEntry(broker: Broker, id: string, options: SendOptions = {}): Promise<CronEntry> {
  const entry = await findCronEntry(broker, id, options);
  if (entry === undefined || entry.removed) throw new CronEntryNotFoundError(id);
  return entry;
}
