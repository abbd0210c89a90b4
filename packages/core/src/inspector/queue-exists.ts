import type { Broker } from "../broker.ts";
import { decodeCount } from "../decode-reply.ts";
import { QueueNotFoundError } from "../errors.ts";
import { allQueues } from "../keys.ts";
import type { SendOptions } from "../redis.ts";
import { ask } from "../send-plain.ts";

/**
 * Goes on only if there is a queue of this name, as the index of queues says.
 * @throws {QueueNotFoundError}
 * @throws {RedisError}
 * @see Asynq internal/rdb/inspect.go, `queueExists`
 */
export async function demandQueue({ redis }: Broker, queue: string, options: SendOptions = {}): Promise<void> {
  const exists = await ask(redis, ["SISMEMBER", allQueues, queue], (reply) => decodeCount(reply, 1), options);
  if (exists === 0) throw new QueueNotFoundError(queue);
}
