import type { Broker } from "../broker.ts";
import type { SendOptions } from "../redis.ts";
import type { CronEntry } from "./cron-entry.ts";
import { type OpenVerdict, openClaims } from "./open-claims.ts";
import { type CronClaim, readClaims } from "./read-claims.ts";
import { sealClaims } from "./seal-claims.ts";
import { writeCronEntry } from "./write-cron-entry.ts";

/**
 * Brings the claims of an entry to where its last edit wants them: those of its earlier queues are sealed, then that of its queue is opened
 * where the last of them stood; one that is being removed is sealed everywhere, then it goes. Whoever edited does it at once; a tick that
 * finds it undone, killed at whatever step, does it.
 *
 * `stale`: somebody edited the entry since. May be repeated, and by any number at once.
 * @throws {RedisError}
 */
export async function moveClaim(broker: Broker, entry: CronEntry, options: SendOptions = {}): Promise<OpenVerdict | "removed"> {
  const { id, queue, version, from, removed } = entry;
  const closed = removed ? [...from, queue] : from;
  for (const { value, error } of await sealClaims(broker, entry, closed, options)) {
    if (error) throw error;
    if (value === "stale") return "stale";
  }
  if (removed) {
    await writeCronEntry(broker, id, version, undefined, options);
    return "removed";
  }
  let after: CronClaim | undefined;
  const sealed =
    from.length === 0
      ? []
      : await readClaims(
          broker,
          from.map((earlier) => ({ id, queue: earlier })),
          options,
        );
  for (const { value, error } of sealed) {
    if (error) throw error;
    if (typeof value === "object") after = later(after, value);
  }
  const [opened] = await openClaims(broker, [entry], { after, ...options });
  if (opened!.error) throw opened!.error;
  // The entry is the one it was, to whoever read it: its version stays.
  if (from.length > 0 && opened!.value !== "stale") await writeCronEntry(broker, id, version, { ...entry, from: [] }, options);
  return opened!.value;
}

function later(one: CronClaim | undefined, other: CronClaim): CronClaim {
  if (one === undefined) return other;
  const ran = (other.ran?.atSec ?? -1) > (one.ran?.atSec ?? -1) ? other.ran : one.ran;
  return { ...one, slotSec: Math.max(one.slotSec, other.slotSec), ran };
}
