import type { Broker } from "../broker.ts";
import { unixSec, uuid } from "../clock.ts";
import { CronEntryExistsError } from "../errors.ts";
import type { SendOptions } from "../redis.ts";
import { type CronEntry, type CronEntryOptions, checkCronEntry } from "./cron-entry.ts";
import { moveClaim } from "./move-claim.ts";
import { findCronEntry } from "./read-cron-entry.ts";
import { readyClaim } from "./ready-claim.ts";
import { tellAnew } from "./tell-entries.ts";
import { writeCronEntry } from "./write-cron-entry.ts";

/**
 * Adds an entry: slots from now on are its own. Its claim is made first, sealed, and opened when the entry is there: so a claim that is
 * missing was lost, and one that is sealed while its entry is there is opened by the next tick.
 *
 * May be repeated: by the port; called again by you it is a new call, and the entry exists.
 * @throws {InvalidOptionError} names the option
 * @throws {CronEntryExistsError}
 * @throws {RedisError} `unknown` means it may be there, whole: a tick sees to that
 */
export async function addCronEntry(broker: Broker, given: CronEntryOptions, options: SendOptions = {}): Promise<CronEntry> {
  const terms = checkCronEntry(given);
  const { id } = terms;
  for (;;) {
    const epoch = (await readyClaim(broker, terms, options)) + 1;
    const sinceSec = unixSec(broker.clock.nowMs());
    const entry: CronEntry = { ...terms, version: uuid(broker.random), sinceSec, epoch, from: [], removed: false };
    if ((await writeCronEntry(broker, id, undefined, entry, options)) === "written") {
      await moveClaim(broker, entry, options);
      await tellAnew(broker, options);
      return entry;
    }
    const there = await findCronEntry(broker, id, options);
    if (there !== undefined && !there.removed) throw new CronEntryExistsError(id);
    // One whose removal was left half done is removed first.
    if (there !== undefined) await moveClaim(broker, there, options);
  }
}
