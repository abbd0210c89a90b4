import type { Broker } from "../broker.ts";
import { byQueue } from "../by-queue.ts";
import { decodeList, decodeOptional, toCount } from "../decode-reply.ts";
import { RedisError } from "../errors.ts";
import { pendingKey, queuePrefix } from "../keys.ts";
import type { Reply, SendOptions } from "../redis.ts";
import { type BoundScript, bind, defineScript, type Outcome, runAll } from "../script.ts";
import { decodeText, unexpected } from "../verdicts.ts";

/** Which slots of an entry are decided, in one queue. */
export interface CronClaim {
  /** The last slot that is decided. */
  readonly slotSec: number;
  /** The epoch of the entry it goes by. */
  readonly epoch: number;
  /** Whether nothing may be fired by it: the entry is elsewhere by now, or gone, or not yet there. */
  readonly sealed: boolean;
  /** The task enqueued last, and when. */
  readonly ran?: { readonly taskId: string; readonly atSec: number } | undefined;
}

/** Why an entry cannot be served whose claim, or the group of whose tasks, is no such thing. */
export function wrongKind(): RedisError {
  return new RedisError("the claim or the group of the cron entry holds the wrong kind of value", { delivered: "no", reply: "WRONGTYPE" });
}

/** A call reads at most so many. */
const maxPerCall = 500;

/** Its key is there so that a Cluster sends the call to the node whose keys are meant. */
export const readClaimsScript = defineScript({
  name: "read-claims",
  effect: "read",
  keys: ["of_queue"],
  args: { prefix: "text" },
  each: { entry: "text" },
  lua: /* lua */ `
    local claims = {}
    for_each_item(entry) do
      local fields = redis.pcall("HMGET", prefix .. "js:cron:" .. entry, "slot", "epoch", "sealed", "ran", "ranAt")
      claims[item] = fields.err and "" or fields
    end
    return claims
  `,
  decode: (reply): readonly Outcome<CronClaim | undefined>[] => decodeList(reply).map(decodeClaim),
});

function decodeClaim(reply: Reply): Outcome<CronClaim | undefined> {
  if (!Array.isArray(reply)) return { error: wrongKind() };
  if (reply.length !== 5) unexpected();
  const [slot, epoch, sealed, ran, ranAt] = (reply as readonly Reply[]).map((field) => decodeOptional(field, decodeText));
  if (epoch === undefined) return { value: undefined };
  const value = {
    slotSec: toCount(slot ?? "0"),
    epoch: toCount(epoch),
    sealed: sealed !== undefined,
    ran: ran === undefined ? undefined : { taskId: ran, atSec: toCount(ranAt ?? "0") },
  };
  return { value };
}

/**
 * Reads the claims of entries, each in the queue named: nothing where there is none, or why it cannot be read. One call per queue
 * and chunk, all in one request.
 * @throws {RedisError} the way to Redis failed
 */
export async function readClaims(
  broker: Broker,
  wanted: readonly { readonly id: string; readonly queue: string }[],
  options: SendOptions = {},
): Promise<Outcome<CronClaim | undefined>[]> {
  const calls: { readonly places: readonly number[]; readonly script: BoundScript<readonly Outcome<CronClaim | undefined>[]> }[] = [];
  for (const [queue, items] of byQueue(wanted, (one) => one.queue)) {
    for (let at = 0; at < items.length; at += maxPerCall) {
      const some = items.slice(at, at + maxPerCall);
      calls.push({
        places: some.map((one) => one.at),
        script: bind(readClaimsScript, {
          queue,
          keys: { of_queue: pendingKey(queue) },
          args: { prefix: queuePrefix(queue) },
          items: some.map(({ item }) => ({ entry: item.id })),
        }),
      });
    }
  }
  const outcomes = await runAll(
    broker,
    calls.map(({ script }) => script),
    options,
  );
  const claims: Outcome<CronClaim | undefined>[] = [];
  for (const [i, { places }] of calls.entries()) {
    const { value, error } = outcomes[i]!;
    for (const [nth, at] of places.entries()) claims[at] = error ? { error } : value![nth]!;
  }
  return claims;
}
