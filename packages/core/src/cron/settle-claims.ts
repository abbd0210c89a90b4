import type { Broker } from "../broker.ts";
import { refused, type Spent } from "../ticks/tick.ts";
import type { CronEntry } from "./cron-entry.ts";
import type { ClaimedEntry } from "./fire-due.ts";
import { moveClaim } from "./move-claim.ts";
import { type CronClaim, readClaims } from "./read-claims.ts";

/** Entries that can be served, with their claims. */
export interface SettledClaims {
  readonly claimed: readonly ClaimedEntry[];
  /** Those whose claims refuse them: somebody edited them since they were read, or has an entry of their id. */
  readonly stale: readonly CronEntry[];
  /** Entries whose last edit was left half done, completed. */
  readonly moved: number;
  /** Whether some were left since the time is over. */
  readonly more: boolean;
  readonly errors: readonly { readonly queue: string; readonly entry: string; readonly error: Error }[];
}

/**
 * Reads the claims of entries; where the last edit of one was left half done it is completed first.
 * @throws {RedisError} the way to Redis failed
 */
export async function settleClaims(
  broker: Broker,
  entries: readonly CronEntry[],
  { spent, signal }: { readonly spent: Spent; readonly signal: AbortSignal | undefined },
): Promise<SettledClaims> {
  const claimed: ClaimedEntry[] = [];
  const errors: { queue: string; entry: string; error: Error }[] = [];
  const report = ({ queue, id }: CronEntry, error: Error): void => void errors.push({ queue, entry: id, error });
  /** Answers those whose claim is not where they want it. */
  const look = async (wanted: readonly CronEntry[]): Promise<CronEntry[]> => {
    const claims = await readClaims(broker, wanted, { signal });
    return wanted.filter((entry, i) => {
      const { value: claim, error } = claims[i]!;
      const isThere = error === undefined && isSettled(entry, claim);
      if (error !== undefined) report(entry, error);
      if (isThere) claimed.push({ entry, claim });
      return error === undefined && !isThere;
    });
  };

  const unsettled = await look(entries);
  const opened: CronEntry[] = [];
  const stale: CronEntry[] = [];
  let moved = 0;
  for (const entry of unsettled) {
    if (spent()) return { claimed, stale, moved, more: true, errors };
    try {
      const verdict = await moveClaim(broker, entry, { signal });
      // Changed by somebody since we read it, who completes it; or the next tick does, which reads it anew.
      if (verdict === "stale") {
        stale.push(entry);
        continue;
      }
      moved++;
      if (verdict !== "removed") opened.push({ ...entry, from: [] });
    } catch (error) {
      report(entry, refused(error));
    }
  }
  await look(opened);
  return { claimed, stale, moved, more: false, errors };
}

/** Whether a claim is where the entry's last edit wants it, or lost. */
function isSettled({ epoch, from, removed }: CronEntry, claim: CronClaim | undefined): boolean {
  return !removed && from.length === 0 && (claim === undefined || (claim.epoch === epoch && !claim.sealed));
}
