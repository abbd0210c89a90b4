import type { Broker } from "../broker.ts";
import { unixSec, uuid } from "../clock.ts";
import { CronEntryNotFoundError, CronEntryVersionError, CronSpecError } from "../errors.ts";
import type { SendOptions } from "../redis.ts";
import { type CronEntry, type CronEntryOptions, checkCronEntry, sayTheSame } from "./cron-entry.ts";
import type { SlotsBetween } from "./decide-slots.ts";
import { fireDue } from "./fire-due.ts";
import { moveClaim } from "./move-claim.ts";
import { readClaims } from "./read-claims.ts";
import { readCronEntry } from "./read-cron-entry.ts";
import { readyClaim } from "./ready-claim.ts";
import { tellAnew } from "./tell-entries.ts";
import { writeCronEntry } from "./write-cron-entry.ts";

/** What an edit changes: what is not named stays, what is named and `undefined` goes back to its default. */
export type CronEntryChanges = Partial<Omit<CronEntryOptions, "id">>;

export interface CronEditOptions extends SendOptions {
  /** The times of a spec: what is due by the earlier ones is fired first. */
  readonly slotsBetween: SlotsBetween;
}

/**
 * Changes an entry that was read. What is due by its earlier times is fired first; the new ones count from now. To another queue it takes
 * along which slots are decided. Once this is answered nothing is fired by what the entry was; where it is cut short after the entry is
 * written, the next tick completes it.
 *
 * May be repeated: by the port; called again by you with the version of then it is refused.
 * @throws {InvalidOptionError} names the option
 * @throws {CronSpecError} the spec cannot be read
 * @throws {CronEntryNotFoundError}
 * @throws {CronEntryVersionError} somebody else changed it since
 * @throws {RedisError} `unknown` means it may be changed
 */
export async function editCronEntry(
  broker: Broker,
  { id, version }: { readonly id: string; readonly version: string },
  changes: CronEntryChanges,
  { slotsBetween, ...options }: CronEditOptions,
): Promise<CronEntry> {
  const entry = await readCronEntry(broker, id, options);
  if (entry.version !== version) throw new CronEntryVersionError(id);
  const terms = checkCronEntry({ ...entry, ...changes, id });
  if (sayTheSame(entry, terms)) return entry;
  // What an earlier edit left half done: of its earlier queues one may be that which is wanted now.
  if (entry.from.length > 0 && (await moveClaim(broker, entry, options)) === "stale") throw new CronEntryVersionError(id);

  const nowMs = broker.clock.nowMs();
  const hasNewTimes = terms.spec !== entry.spec || terms.timeZone !== entry.timeZone || terms.paused !== entry.paused;
  if (hasNewTimes) await fireAll(broker, entry, { slotsBetween, nowMs, ...options });
  const isMoved = terms.queue !== entry.queue;
  const edited: CronEntry = {
    ...terms,
    version: uuid(broker.random),
    sinceSec: hasNewTimes ? unixSec(nowMs) : entry.sinceSec,
    epoch: 1 + (isMoved ? Math.max(entry.epoch, await readyClaim(broker, terms, options)) : entry.epoch),
    from: isMoved ? [entry.queue] : [],
    removed: false,
  };
  const verdict = await writeCronEntry(broker, id, version, edited, options);
  if (verdict === "absent") throw new CronEntryNotFoundError(id);
  if (verdict !== "written") throw new CronEntryVersionError(id);
  await moveClaim(broker, edited, options);
  await tellAnew(broker, options);
  return { ...edited, from: [] };
}

/** Fires all that is due by now; where its claim goes by another edit, that one sees to it. */
async function fireAll(
  broker: Broker,
  entry: CronEntry,
  { slotsBetween, nowMs, ...options }: CronEditOptions & { readonly nowMs: number },
): Promise<void> {
  for (let more = true; more; ) {
    const [read] = await readClaims(broker, [entry], options);
    if (read!.error) throw read!.error;
    const claim = read!.value;
    if (claim === undefined || claim.epoch > entry.epoch) return;
    if (claim.epoch < entry.epoch) {
      if ((await moveClaim(broker, entry, options)) === "stale") return;
      continue;
    }
    const [turn] = await fireDue(broker, [{ entry, claim }], { slotsBetween, nowMs, ...options });
    // By times that cannot be read nothing is due: to change them is how that is mended.
    if (turn!.error instanceof CronSpecError) return;
    if (turn!.error) throw turn!.error;
    more = turn!.more || turn!.beaten;
  }
}
