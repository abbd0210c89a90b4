import { estimateMemory } from "../broker/estimate-memory.ts";
import { type QueueStats, readQueueStats } from "../broker/read-queue-stats.ts";
import type { Broker } from "../broker.ts";
import type { SendOptions } from "../redis.ts";
import type { Outcome } from "../script.ts";

/** How a queue stands, and when that was. Asynq: `QueueInfo`. */
export interface QueueInfo extends QueueStats {
  /** About how many bytes of Redis' memory it takes; `undefined` where Redis does not tell scripts. */
  readonly memoryUsageBytes: number | undefined;
  readonly timestamp: Date;
}

/** So many queues go in one request: the numbers of one take half a kilobyte on their way out. */
const queuesPerRequest = 500;

/**
 * How each of the queues stands, 500 in one request; one outcome per queue, in order. A queue that there is not is all zeros. Reads only.
 * @throws {RedisError} the way to Redis failed
 * @see Asynq inspector.go, `GetQueueInfo`
 */
export async function readQueueInfos(broker: Broker, queues: readonly string[], options: SendOptions = {}): Promise<Outcome<QueueInfo>[]> {
  const infos: Outcome<QueueInfo>[] = [];
  for (let at = 0; at < queues.length; at += queuesPerRequest) {
    const some = queues.slice(at, at + queuesPerRequest);
    const timestamp = new Date(broker.clock.nowMs());
    const [stats, memory] = await Promise.all([readQueueStats(broker, some, options), estimateMemory(broker, some, options)]);
    for (const [i, { value, error }] of stats.entries())
      infos.push(error === undefined ? { value: { ...value, memoryUsageBytes: memory[i]!.value, timestamp } } : { error });
  }
  return infos;
}
