/**
 * How much an acknowledged write survives. Redis acknowledges before it has written to disk or to a replica, unless it is asked for more;
 * which tier holds is a matter of its settings, so it is looked at, not assumed.
 * @module
 */
import { decodeList } from "./decode-reply.ts";
import { DurabilityError, InvalidOptionError, RedisError } from "./errors.ts";
import type { RedisPort } from "./redis.ts";
import { ask } from "./send-plain.ts";
import { decodeText } from "./verdicts.ts";

/**
 * `none`: what Redis acknowledged may be gone after a crash or a failover. `fsync`: it is on the disk of the master, so it survives a crash
 * and a loss of power. `replicated`: it is in the memory of a replica too, so it survives the loss of the master.
 */
export type Durability = "none" | "fsync" | "replicated";

export interface DurabilityOptions {
  readonly tier: Durability;
  /** On how many replicas a write must be, at the tier `replicated`. Default 1. */
  readonly replicas?: number | undefined;
}

/**
 * Makes a port keep a tier: `features`, and so the first call, looks whether the Redis can, and at the tier `replicated` each answer waits
 * until that many replicas have what was written. A write that is not on them in time is repeated as the same call while there is time, and
 * then an error with `delivered: "unknown"`. For who enqueues: what a worker writes may be lost at no worse price than running a task again.
 *
 * The port stays whose it was: closing is passed on.
 * @throws {InvalidOptionError} no tier, or a count of replicas that is none
 */
export function durableRedis(redis: RedisPort, options: DurabilityOptions): RedisPort {
  const { tier, replicas = 1 } = checkOptions(options);
  let looked = false;
  const features: RedisPort["features"] = async () => {
    const found = await redis.features();
    if (!looked) await checkDurability(redis, options);
    looked = true;
    return found;
  };
  return {
    features,
    async send(commands, send = {}) {
      await features();
      return redis.send(commands, tier === "replicated" ? { ...send, replicas } : send);
    },
    close: () => redis.close(),
  };
}

/**
 * Looks whether a Redis is set up for a tier. Reads only.
 * @throws {DurabilityError} it is not, or does not let us see
 * @throws {RedisError} it did not answer
 */
export async function checkDurability(redis: RedisPort, options: DurabilityOptions): Promise<void> {
  const { tier, replicas = 1 } = checkOptions(options);
  switch (tier) {
    case "none":
      return;
    case "fsync": {
      if (readInfo(await ask(redis, ["INFO", "persistence"], decodeText), "aof_enabled") !== "1")
        throw new DurabilityError(tier, "expected a Redis with `appendonly yes`");
      const [, appendfsync] = await ask(redis, ["CONFIG", "GET", "appendfsync"], (reply) => decodeList(reply).map(decodeText)).catch(
        unseen,
      );
      if (appendfsync !== "always")
        throw new DurabilityError(tier, "expected a Redis with `appendfsync always`, which everysec is not: it loses up to a second");
      return;
    }
    case "replicated": {
      if (!(await redis.features()).waits) throw new DurabilityError(tier, "expected a way to Redis that can WAIT: over HTTP none can");
      const info = await ask(redis, ["INFO", "replication"], decodeText);
      const connected = Number(readInfo(info, "connected_slaves") ?? 0);
      if (readInfo(info, "role") !== "master" || connected < replicas)
        throw new DurabilityError(tier, `expected a master with at least ${replicas} connected replica(s), it has ${connected}`);
      return;
    }
  }
}

function checkOptions({ tier, replicas }: DurabilityOptions): DurabilityOptions {
  if (!["none", "fsync", "replicated"].includes(tier)) throw new InvalidOptionError("tier", "expected none, fsync or replicated");
  if (replicas !== undefined && !(Number.isSafeInteger(replicas) && replicas >= 1))
    throw new InvalidOptionError("replicas", "expected a whole number from 1");
  return { tier, replicas };
}

function readInfo(info: string, field: string): string | undefined {
  return new RegExp(`^${field}:(.*?)\\r?$`, "m").exec(info)?.[1];
}

/** A Redis that shows its settings to nobody cannot be believed. */
function unseen(error: unknown): never {
  if (error instanceof RedisError && error.reply !== undefined)
    throw new DurabilityError("fsync", "expected a Redis that shows `CONFIG GET appendfsync` to us: grant its user +config|get");
  throw error;
}
