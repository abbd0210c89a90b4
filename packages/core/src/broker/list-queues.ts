import type { Broker } from "../broker.ts";
import { allQueues } from "../keys.ts";
import type { SendOptions } from "../redis.ts";
import { decodeText } from "../verdicts.ts";

/**
 * The names of all queues that were ever enqueued to and not removed, sorted.
 * @throws {RedisError}
 * @see Asynq internal/rdb/inspect.go, `AllQueues`
 */
export async function listQueues({ redis }: Broker, options: SendOptions = {}): Promise<string[]> {
  const [names] = await redis.send([["SMEMBERS", allQueues]], options);
  if (names!.error !== undefined) throw names!.error;
  return (names!.reply as readonly Uint8Array[]).map(decodeText).sort();
}
