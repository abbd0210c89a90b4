import type { Broker } from "../broker.ts";
import { demand } from "../demand.ts";
import { CronEntryExistsError, CronEntryNotFoundError, CronEntryVersionError } from "../errors.ts";
import { plainText } from "../options.ts";
import { addCronEntry } from "./add-cron-entry.ts";
import { type CronEntry, type CronEntryOptions, checkCronEntry, sayTheSame } from "./cron-entry.ts";
import { type CronEditOptions, editCronEntry } from "./edit-cron-entry.ts";
import { listCronEntries } from "./list-cron-entries.ts";
import { findCronEntry } from "./read-cron-entry.ts";
import { removeCronEntry } from "./remove-cron-entry.ts";

/** What a reconciliation did, by the ids of the entries. */
export interface Reconciled {
  readonly added: readonly string[];
  readonly edited: readonly string[];
  readonly removed: readonly string[];
  readonly unchanged: readonly string[];
  /** Wanted, but somebody else's: left alone. */
  readonly foreign: readonly string[];
}

type Outcome = keyof Reconciled;

/**
 * Makes the entries of an owner exactly those that are given, as a deploy does: adds, edits and removes. Those of others it leaves alone. An
 * entry that does not say whether it is paused stays as it is.
 *
 * May be repeated: yes, and by any number at once that want the same. Cut short, it is completed by the next.
 * @throws {InvalidOptionError} names the option; nothing was changed
 * @throws {CronSpecError} a spec cannot be read; nothing was changed
 * @throws {DecodeError} an entry that is wanted is there and cannot be read
 * @throws {RedisError}
 */
export async function reconcileCronEntries(
  broker: Broker,
  owner: string,
  wanted: readonly Omit<CronEntryOptions, "owner">[],
  options: CronEditOptions,
): Promise<Reconciled> {
  plainText("owner", owner);
  demand(
    wanted.every((entry) => typeof entry === "object" && entry !== null),
    "entries",
    "expected an object for each",
  );
  const ids = new Set(wanted.map(({ id }) => id));
  demand(ids.size === wanted.length, "entries", "expected each id once");
  for (const entry of wanted) checkCronEntry({ ...entry, owner });

  const { entries } = await listCronEntries(broker, options);
  const present = new Map(entries.map((entry) => [entry.id, entry]));
  const done: Record<Outcome, string[]> = { added: [], edited: [], removed: [], unchanged: [], foreign: [] };
  for (const entry of wanted) {
    const outcome = await untilSettled(broker, present.get(entry.id), entry.id, options, (there) =>
      bring(broker, { ...entry, owner }, there, options),
    );
    done[outcome].push(entry.id);
  }
  for (const entry of entries) {
    if (entry.owner !== owner || ids.has(entry.id)) continue;
    const outcome = await untilSettled(broker, entry, entry.id, options, (there) => drop(broker, owner, there, options));
    if (outcome !== undefined) done[outcome].push(entry.id);
  }
  return done;
}

/** Decides by the entry as it is, and again where somebody was faster. */
async function untilSettled<R>(
  broker: Broker,
  listed: CronEntry | undefined,
  id: string,
  options: CronEditOptions,
  decide: (there: CronEntry | undefined) => Promise<R>,
): Promise<R> {
  for (let there = listed; ; ) {
    try {
      return await decide(there);
    } catch (error) {
      const isRace =
        error instanceof CronEntryVersionError || error instanceof CronEntryExistsError || error instanceof CronEntryNotFoundError;
      if (!isRace) throw error;
      const found = await findCronEntry(broker, id, options);
      there = found?.removed === true ? undefined : found;
    }
  }
}

async function bring(
  broker: Broker,
  wanted: CronEntryOptions,
  there: CronEntry | undefined,
  options: CronEditOptions,
): Promise<Exclude<Outcome, "removed">> {
  if (there === undefined) {
    await addCronEntry(broker, wanted, options);
    return "added";
  }
  if (there.owner !== wanted.owner) return "foreign";
  const { id: _, ...changes } = checkCronEntry({ ...wanted, paused: wanted.paused ?? there.paused });
  if (sayTheSame(there, { id: there.id, ...changes })) return "unchanged";
  await editCronEntry(broker, there, changes, options);
  return "edited";
}

async function drop(broker: Broker, owner: string, there: CronEntry | undefined, options: CronEditOptions): Promise<"removed" | undefined> {
  if (there === undefined || there.owner !== owner) return undefined;
  await removeCronEntry(broker, there.id, { ...options, version: there.version });
  return "removed";
}
