import type { CronEntry } from "./cron-entry.ts";

/**
 * The slots of a spec: whole Unix seconds, ascending, `afterSec` < slot <= `untilSec`, the first `most` of them. Those of `@every` are
 * `anchorSec` and a whole number of intervals. `@asynqjs/cron-fn` has one.
 */
export type SlotsBetween = (
  times: { readonly spec: string; readonly timeZone: string; readonly anchorSec: number },
  afterSec: number,
  untilSec: number,
  most: number,
) => readonly number[];

export interface SlotDecision {
  /** Slots to be fired now, ascending. */
  readonly fire: readonly number[];
  /** The last slot that is decided: the claim moves up to it. */
  readonly upToSec: number;
  /** Missed ones up to there that are not fired. */
  readonly skipped: number;
  /** Whether later ones may be due that this decision did not come to. */
  readonly more: boolean;
}

/** A slot is on time when it is at most so old: a cron trigger of one minute, and as much again as it may be late. */
export const defaultGraceSec = 90;

/** A decision looks at no more than so many slots, and fires no more than so many unless it is to fire fewer. */
export const mostSlots = { listed: 1_000, fired: 100 };

/**
 * Decides what becomes of the slots of an entry up to now that no claim has decided. What is on time is fired; of what was missed, and is not
 * older than the window, as much as `catchUp` says. What is older is not even counted.
 */
export function decideSlots(
  entry: Pick<CronEntry, "spec" | "timeZone" | "sinceSec" | "catchUp" | "windowSec">,
  slotSec: number,
  nowSec: number,
  slotsBetween: SlotsBetween,
  graceSec: number = defaultGraceSec,
  most: number = mostSlots.fired,
): SlotDecision {
  const windowSec = Math.max(entry.windowSec, graceSec);
  const afterSec = Math.max(slotSec, entry.sinceSec, nowSec - windowSec - 1);
  const listed = afterSec >= nowSec ? [] : slotsBetween(timesOf(entry), afterSec, nowSec, mostSlots.listed);
  const cut = listed.length === mostSlots.listed;
  const firstOnTime = listed.findIndex((slot) => slot >= nowSec - graceSec);
  const missed = firstOnTime < 0 ? listed.length : firstOnTime;
  let from = missed;
  if (entry.catchUp === "all") from = 0;
  else if (entry.catchUp === "one" && missed > 0) from = missed - 1;
  // Whether the last of a list that was cut is the latest is known by the next list, which begins with it.
  const isLeft = entry.catchUp === "one" && cut && firstOnTime < 0;
  const fire = isLeft ? [] : listed.slice(from, from + most);
  return {
    fire,
    upToSec: fire.at(-1) ?? listed[from - 1] ?? slotSec,
    skipped: from,
    more: cut || from + fire.length < listed.length,
  };
}

/** How long a spec is looked through for its next time. Asynq looks five years ahead. */
const horizonSec = 5 * 366 * 86_400;

/** The next slot after now; nothing where the entry is paused, or five years bring none. */
export function nextSlot(entry: CronEntry, nowSec: number, slotsBetween: SlotsBetween): number | undefined {
  if (entry.paused) return undefined;
  const afterSec = Math.max(nowSec, entry.sinceSec);
  return slotsBetween(timesOf(entry), afterSec, afterSec + horizonSec, 1)[0];
}

function timesOf({ spec, timeZone, sinceSec }: Pick<CronEntry, "spec" | "timeZone" | "sinceSec">): Parameters<SlotsBetween>[0] {
  return { spec, timeZone, anchorSec: sinceSec };
}
