import type { Broker } from "../broker.ts";
import { uuid } from "../clock.ts";
import { CronEntryNotFoundError, CronEntryVersionError } from "../errors.ts";
import type { SendOptions } from "../redis.ts";
import { moveClaim } from "./move-claim.ts";
import { findCronEntry } from "./read-cron-entry.ts";
import { tellAnew } from "./tell-entries.ts";
import { writeCronEntry } from "./write-cron-entry.ts";

/**
 * Removes an entry: nothing is fired by it any more. Tasks it enqueued stay, and so does its history. Its claim stays sealed for 90 days; where
 * this is cut short once the entry is marked, the next tick completes it.
 *
 * May be repeated: by the port; called again by you it is not found.
 * @throws {CronEntryNotFoundError}
 * @throws {CronEntryVersionError} given the version that was read: somebody else changed it since
 * @throws {RedisError} `unknown` means it may be removed
 */
export async function removeCronEntry(
  broker: Broker,
  id: string,
  { version, ...options }: SendOptions & { readonly version?: string | undefined } = {},
): Promise<void> {
  for (;;) {
    const entry = await findCronEntry(broker, id, options);
    if (entry === undefined) throw new CronEntryNotFoundError(id);
    if (version !== undefined && entry.version !== version) throw new CronEntryVersionError(id);
    const marked = entry.removed ? entry : { ...entry, version: uuid(broker.random), epoch: entry.epoch + 1, removed: true };
    if (!entry.removed && (await writeCronEntry(broker, id, entry.version, marked, options)) !== "written") continue;
    await moveClaim(broker, marked, options);
    await tellAnew(broker, options);
    if (entry.removed) throw new CronEntryNotFoundError(id);
    return;
  }
}
