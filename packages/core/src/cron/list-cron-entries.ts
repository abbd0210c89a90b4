import type { Broker } from "../broker.ts";
import { decodeList, readReply } from "../decode-reply.ts";
import type { DecodeError } from "../errors.ts";
import { cronEntriesKey } from "../keys.ts";
import type { Command, Reply, SendOptions } from "../redis.ts";
import { sendPlain } from "../send-plain.ts";
import { decodeText } from "../verdicts.ts";
import { type CronEntry, decodeCronEntry } from "./cron-entry.ts";

/** All entries that are stored, by their id. */
export interface CronEntryList {
  readonly entries: readonly CronEntry[];
  /** Why some cannot be read: another version of asynqjs wrote them, or somebody else. */
  readonly unreadable: readonly DecodeError[];
}

/** Their ids are in the values: what HGETALL answers depends on the protocol. */
export const askCronEntries: Command = ["HVALS", cronEntriesKey];

/**
 * Lists the entries that schedulers fire, but for those that are being removed.
 * @throws {RedisError}
 */
export async function listCronEntries({ redis }: Broker, options: SendOptions = {}): Promise<CronEntryList> {
  const [reply] = await sendPlain(redis, [askCronEntries], options);
  const { entries, unreadable } = decodeCronEntries(reply!);
  return { entries: entries.filter(({ removed }) => !removed), unreadable };
}

/** Reads what `askCronEntries` answers, also what is being removed. */
export function decodeCronEntries(reply: Reply): CronEntryList {
  const entries: CronEntry[] = [];
  const unreadable: DecodeError[] = [];
  for (const text of readReply(reply, (texts) => decodeList(texts).map(decodeText))) {
    try {
      entries.push(decodeCronEntry(text));
    } catch (error) {
      unreadable.push(error as DecodeError);
    }
  }
  return { entries: entries.sort((a, b) => (a.id < b.id ? -1 : 1)), unreadable };
}
