import type { Broker } from "../broker.ts";
import { unixSec } from "../clock.ts";
import { pausedKey } from "../keys.ts";
import type { Command, SendOptions } from "../redis.ts";

/**
 * Lets no worker, ours or Go's, take another task from the queue; what runs goes on, and enqueueing, forwarding and aggregating do too. Of a
 * queue that is paused already nothing changes, where Asynq answers an error: one could not tell it from a call that was repeated.
 *
 * May be repeated: yes.
 * @throws {RedisError}
 * @see Asynq internal/rdb/inspect.go, `Pause`
 */
export function pauseQueue(broker: Broker, queue: string, options: SendOptions = {}): Promise<void> {
  return send(broker, ["SETNX", pausedKey(queue), String(unixSec(broker.clock.nowMs()))], options);
}

/**
 * Lets workers take tasks from the queue again. Of one that is not paused nothing changes.
 *
 * May be repeated: yes.
 * @throws {RedisError}
 * @see Asynq internal/rdb/inspect.go, `Unpause`
 */
export function unpauseQueue(broker: Broker, queue: string, options: SendOptions = {}): Promise<void> {
  return send(broker, ["DEL", pausedKey(queue)], options);
}

async function send({ redis }: Broker, command: Command, options: SendOptions): Promise<void> {
  const [answered] = await redis.send([command], options);
  if (answered!.error !== undefined) throw answered!.error;
}
