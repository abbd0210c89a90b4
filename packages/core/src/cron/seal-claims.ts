import type { Broker } from "../broker.ts";
import { unixSec } from "../clock.ts";
import { pendingKey, queuePrefix } from "../keys.ts";
import { containers } from "../lua/containers.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, type Outcome, runAll } from "../script.ts";
import { decodeVerdicts } from "../verdicts.ts";

/** `sealed`, by this call or an earlier one; `stale`, with nothing written: a later edit opened it. */
export type SealVerdict = "sealed" | "stale";

/** A claim outlives its entry by so long: so late no scheduler comes that read the entry before. */
export const sealedForSec: number = 90 * 24 * 3600;

/**
 * Nothing is fired by the claim any more. One that is not there is made, sealed: else a scheduler that still goes by the earlier entry would
 * take it for lost, and begin anew. One that was lost stands at `lost_slot` from then on.
 */
export const sealClaimScript = defineScript({
  name: "seal-claim",
  effect: "record",
  keys: ["of_queue"],
  args: { prefix: "text", entry: "text", epoch: "text", lost_slot: "text", ttl_s: "text" },
  lua: /* lua */ `
    ${containers}
    local claim = prefix .. "js:cron:" .. entry
    if is_wrong("hash", claim) then return wrong_container() end
    local fields = redis.call("HMGET", claim, "epoch", "sealed")
    local known = tonumber(fields[1])
    if known and (known > tonumber(epoch) or known == tonumber(epoch) and not fields[2]) then return remember("z") end
    redis.call("HSET", claim, "epoch", epoch, "sealed", "1")
    if not known and lost_slot ~= "" then redis.call("HSET", claim, "slot", lost_slot) end
    redis.call("EXPIRE", claim, ttl_s)
    return remember("s")
  `,
  decode: decodeVerdicts<SealVerdict>({ s: "sealed", z: "stale" }),
});

/**
 * Seals the claims of an entry in some queues, one call each in one request: whoever goes by an entry of a lower epoch is refused there from
 * then on. They keep what they know, for 90 days.
 *
 * May be repeated: yes, it writes the same.
 * @throws {RedisError} the way to Redis failed
 */
export async function sealClaims(
  broker: Broker,
  { id, epoch }: { readonly id: string; readonly epoch: number },
  queues: readonly string[],
  options: SendOptions = {},
): Promise<Outcome<SealVerdict>[]> {
  const outcomes = await runAll(
    broker,
    queues.map((queue) =>
      bind(sealClaimScript, {
        queue,
        keys: { of_queue: pendingKey(queue) },
        args: {
          prefix: queuePrefix(queue),
          entry: id,
          epoch,
          // Nothing of the past is fired by a claim that was lost; one that is only to be (epoch 0) knows of no slot yet.
          lost_slot: epoch === 0 ? "" : unixSec(broker.clock.nowMs()),
          ttl_s: sealedForSec,
        },
      }),
    ),
    options,
  );
  return outcomes.map(({ value, error }) => (error ? { error } : { value: value![0]! }));
}
