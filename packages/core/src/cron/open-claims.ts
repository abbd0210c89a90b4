import type { Broker } from "../broker.ts";
import { pendingKey, queuePrefix } from "../keys.ts";
import { containers } from "../lua/containers.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, type Outcome, runAll } from "../script.ts";
import { decodeVerdicts } from "../verdicts.ts";
import type { CronEntry } from "./cron-entry.ts";
import type { CronClaim } from "./read-claims.ts";

/** `opened`; or, with nothing written: it `was-open`; it is `missing`; `stale`: it goes by a later edit, or was sealed by one. */
export type OpenVerdict = "opened" | "was-open" | "missing" | "stale";

/**
 * The claim goes by this epoch of its entry from now on: it stands at the later of what it knows and what is given. One that is missing is
 * made only where `make` says so: that of a stored entry was there before the entry, so it is lost.
 */
export const openClaimScript = defineScript({
  name: "open-claim",
  effect: "record",
  keys: ["of_queue"],
  args: { prefix: "text", entry: "text", epoch: "text", slot: "text", ran: "text", ran_at_s: "text", make: "text", ttl_s: "text" },
  lua: /* lua */ `
    ${containers}
    local claim = prefix .. "js:cron:" .. entry
    if is_wrong("hash", claim) then return wrong_container() end
    local fields = redis.call("HMGET", claim, "slot", "epoch", "sealed", "ranAt")
    local known = tonumber(fields[2])
    if not known and make == "0" then return remember("m") end
    if known and known > tonumber(epoch) then return remember("z") end
    if known == tonumber(epoch) then
      if ttl_s ~= "" and not fields[3] then redis.call("EXPIRE", claim, ttl_s) end
      return remember(fields[3] and "z" or ".")
    end
    if (tonumber(fields[1]) or -1) > tonumber(slot) then slot = fields[1] end
    redis.call("HSET", claim, "slot", slot, "epoch", epoch)
    redis.call("HDEL", claim, "sealed")
    if ran ~= "" and tonumber(ran_at_s) > (tonumber(fields[4]) or -1) then redis.call("HSET", claim, "ran", ran, "ranAt", ran_at_s) end
    if ttl_s == "" then redis.call("PERSIST", claim) else redis.call("EXPIRE", claim, ttl_s) end
    return remember("o")
  `,
  decode: decodeVerdicts<OpenVerdict>({ o: "opened", ".": "was-open", m: "missing", z: "stale" }),
});

export interface OpenOptions extends SendOptions {
  /** What an earlier claim of the entry knows. */
  readonly after?: Pick<CronClaim, "slotSec" | "ran"> | undefined;
  readonly make?: boolean | undefined;
  readonly keepSec?: number | undefined;
}

/**
 * Opens the claims of entries, each in its queue: at the slot where their entries begin, or at that of `after` where it is later. With
 * `make` those that are missing are made: for entries that are nowhere stored, whose claims last `keepSec` from each call on.
 *
 * May be repeated: yes.
 * @throws {RedisError} the way to Redis failed
 */
export async function openClaims(
  broker: Broker,
  entries: readonly Pick<CronEntry, "id" | "queue" | "epoch" | "sinceSec">[],
  { after, make = false, keepSec, ...options }: OpenOptions = {},
): Promise<Outcome<OpenVerdict>[]> {
  const outcomes = await runAll(
    broker,
    entries.map(({ id, queue, epoch, sinceSec }) =>
      bind(openClaimScript, {
        queue,
        keys: { of_queue: pendingKey(queue) },
        args: {
          prefix: queuePrefix(queue),
          entry: id,
          epoch,
          slot: Math.max(sinceSec, after?.slotSec ?? 0),
          ran: after?.ran?.taskId ?? "",
          ran_at_s: after?.ran?.atSec ?? "",
          make: make ? 1 : 0,
          ttl_s: keepSec ?? "",
        },
      }),
    ),
    options,
  );
  return outcomes.map(({ value, error }) => (error ? { error } : { value: value![0]! }));
}
