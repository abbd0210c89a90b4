import type { Broker } from "../broker.ts";
import type { SendOptions } from "../redis.ts";
import type { CronEntry } from "./cron-entry.ts";
import { type OpenVerdict, openClaims } from "./open-claims.ts";
import { type CronClaim, readClaims } from "./read-claims.ts";
import { findCronEntry } from "./read-cron-entry.ts";
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
  for (let own = entry; ; ) {
    const verdict = await moveOnce(broker, own, options);
    if (verdict !== "stale") return verdict;
    // Nobody edited it: a claim goes by an entry of this id that was removed while this one was about to be added. It is to be the later one.
    const stored = await findCronEntry(broker, own.id, options);
    if (stored?.version !== own.version) return "stale";
    const claims = await readAll(broker, stored, [...stored.from, stored.queue], options);
    own = { ...stored, epoch: 1 + Math.max(stored.epoch, ...claims.map(({ epoch }) => epoch)) };
    if ((await writeCronEntry(broker, own.id, own.version, own, options)) !== "written") return "stale";
  }
}

async function moveOnce(broker: Broker, entry: CronEntry, options: SendOptions): Promise<OpenVerdict | "removed"> {
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
  const after = (await readAll(broker, entry, from, options)).reduce(later, undefined);
  const [opened] = await openClaims(broker, [entry], { after, ...options });
  if (opened!.error) throw opened!.error;
  // To whoever read it the entry is the one it was: its version stays.
  if (from.length > 0 && opened!.value !== "stale") await writeCronEntry(broker, id, version, { ...entry, from: [] }, options);
  return opened!.value;
}

/** The claims of an entry in some queues, those that are there. */
async function readAll(broker: Broker, { id }: CronEntry, queues: readonly string[], options: SendOptions): Promise<CronClaim[]> {
  if (queues.length === 0) return [];
  const wanted = queues.map((queue) => ({ id, queue }));
  const claims: CronClaim[] = [];
  for (const { value, error } of await readClaims(broker, wanted, options)) {
    if (error) throw error;
    if (typeof value === "object") claims.push(value);
  }
  return claims;
}

function later(one: CronClaim | undefined, other: CronClaim): CronClaim {
  if (one === undefined) return other;
  const ran = (other.ran?.atSec ?? -1) > (one.ran?.atSec ?? -1) ? other.ran : one.ran;
  return { ...one, slotSec: Math.max(one.slotSec, other.slotSec), ran };
}
