import type { Broker } from "../broker.ts";
import { taskKey } from "../keys.ts";
import type { SendOptions } from "../redis.ts";
import { decodeText } from "../verdicts.ts";

/**
 * How often the task was handed back since a handler last ran it; 0 for one that never was, is gone, or says no number. Ours
 * (docs/extensions.md).
 *
 * May be repeated: it only reads.
 * @throws {RedisError} Redis, or the way to it, failed
 */
export async function readHandedBack(
  broker: Broker,
  { queue, id }: { readonly queue: string; readonly id: string },
  options: SendOptions = {},
): Promise<number> {
  const [result] = await broker.redis.send([["HGET", taskKey(queue, id), "js:handed_back"]], options);
  const { reply, error } = result!;
  if (error !== undefined && error.reply !== "WRONGTYPE") throw error;
  const count = reply instanceof Uint8Array ? Number(decodeText(reply)) : 0;
  return Number.isSafeInteger(count) ? count : 0;
}
