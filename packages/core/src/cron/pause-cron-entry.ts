import type { Broker } from "../broker.ts";
import { CronEntryVersionError } from "../errors.ts";
import type { SendOptions } from "../redis.ts";
import type { CronEntry } from "./cron-entry.ts";
import { type CronEditOptions, editCronEntry } from "./edit-cron-entry.ts";
import { readCronEntry } from "./read-cron-entry.ts";

/**
 * Holds an entry up: what is due by now is fired, then nothing is until it is resumed.
 *
 * May be repeated: yes.
 * @throws {CronEntryNotFoundError}
 * @throws {RedisError}
 */
export function pauseCronEntry(broker: Broker, id: string, options: CronEditOptions): Promise<CronEntry> {
  return setPaused(broker, id, true, options);
}

/**
 * Lets go on an entry: slots from now on are its own, what it did not fire while it was paused is not caught up.
 *
 * May be repeated: yes.
 * @throws {CronEntryNotFoundError}
 * @throws {RedisError}
 */
export function resumeCronEntry(broker: Broker, id: string, options: SendOptions = {}): Promise<CronEntry> {
  // Of a paused entry nothing is due.
  return setPaused(broker, id, false, { slotsBetween: () => [], ...options });
}

/** Whatever else somebody changes meanwhile, it is to be paused or not. */
async function setPaused(broker: Broker, id: string, paused: boolean, options: CronEditOptions): Promise<CronEntry> {
  for (;;) {
    const entry = await readCronEntry(broker, id, options);
    if (entry.paused === paused) return entry;
    try {
      return await editCronEntry(broker, entry, { paused }, options);
    } catch (error) {
      if (!(error instanceof CronEntryVersionError)) throw error;
    }
  }
}
