import type { Broker } from "../broker.ts";
import { byQueue } from "../by-queue.ts";
import type { RedisError, StaleCallError } from "../errors.ts";
import { leaseKey } from "../keys.ts";
import { containers } from "../lua/containers.ts";
import { owns } from "../lua/owns.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, runAll } from "../script.ts";
import { type CallBounds, splitCalls } from "../split-calls.ts";
import { decodeVerdicts } from "../verdicts.ts";

/** A task whose lease is to go on. */
export interface HeldTask {
  readonly queue: string;
  readonly id: string;
  readonly token: number;
}

/** A call extends at most so many leases. */
const maxPerExtend: CallBounds = { items: 100, bytes: 1024 * 1024 };

export type ExtendVerdict = "extended" | "lease-lost";

/** What became of one lease, or why its call failed. */
export type ExtendResult =
  | { readonly verdict: ExtendVerdict; readonly error?: never }
  | { readonly verdict?: never; readonly error: RedisError | StaleCallError };

/**
 * Moves the whole second of leases onward, never back; the fraction stays. The new score goes to Redis as a number, which it prints with
 * 17 digits.
 * @see Asynq internal/rdb/rdb.go, `ExtendLease`, which writes without looking
 */
export const extendLeasesScript = defineScript({
  name: "extend-leases",
  effect: "record",
  allowOom: true,
  keys: ["lease"],
  args: { until_s: "text" },
  each: { id: "text", token: "text" },
  lua: /* lua */ `
    ${containers}
    ${owns}
    if is_wrong("zset", lease) then return wrong_container() end
    local verdicts = {}
    for_each_item(id, token) do
      if owns(redis.call("ZSCORE", lease, id), token) then
        redis.call("ZADD", lease, "GT", until_s + token / 1048576, id)
        verdicts[item] = "e"
      else
        verdicts[item] = "l"
      end
    end
    return remember(table.concat(verdicts))
  `,
  decode: decodeVerdicts<ExtendVerdict>({ e: "extended", l: "lease-lost" }),
});

/**
 * Extends the leases of tasks of any queues to `untilSec`: one call per queue and chunk of 100, all in one request; one result per task, in order.
 *
 * May be repeated: yes; a lease never gets shorter.
 * @throws {RedisError} the way to Redis failed
 */
export async function extendLeases(
  broker: Broker,
  held: readonly HeldTask[],
  untilSec: number,
  options: SendOptions = {},
): Promise<ExtendResult[]> {
  const calls = [...byQueue(held, ({ queue }) => queue)].flatMap(([queue, items]) =>
    splitCalls(items, maxPerExtend, () => 0).map((some) => ({ queue, items: some })),
  );
  const answers = await runAll(
    broker,
    calls.map(({ queue, items }) =>
      bind(extendLeasesScript, {
        queue,
        keys: { lease: leaseKey(queue) },
        args: { until_s: untilSec },
        items: items.map(({ item: { id, token } }) => ({ id, token })),
      }),
    ),
    options,
  );
  const results: ExtendResult[] = new Array(held.length);
  for (const [i, { items }] of calls.entries()) {
    const { value, error } = answers[i]!;
    for (const [nth, { at }] of items.entries()) results[at] = error === undefined ? { verdict: value[nth]! } : { error };
  }
  return results;
}
