import type { Broker } from "../broker.ts";
import { decodeList } from "../decode-reply.ts";
import { allQueues } from "../keys.ts";
import type { SendOptions } from "../redis.ts";
import { ask } from "../send-plain.ts";
import { decodeText } from "../verdicts.ts";

/**
 * The names of all queues that were ever enqueued to and not removed, sorted.
 * @throws {RedisError}
 * @see Asynq internal/rdb/inspect.go, `AllQueues`
 */
export async function listQueues({ redis }: Broker, options: SendOptions = {}): Promise<string[]> {
  const names = await ask(redis, ["SMEMBERS", allQueues], (reply) => decodeList(reply).map(decodeText), options);
  return names.sort();
}
