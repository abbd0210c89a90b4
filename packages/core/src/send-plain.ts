import type { Command, RedisPort, Reply, SendOptions } from "./redis.ts";

/**
 * Sends commands that may be repeated and answers their replies, in order.
 * @throws {RedisError} the way failed, or Redis refused one of them
 */
export async function sendPlain(redis: RedisPort, commands: readonly Command[], options: SendOptions = {}): Promise<Reply[]> {
  const results = await redis.send(commands, options);
  return results.map(({ reply, error }) => {
    if (error !== undefined) throw error;
    return reply;
  });
}
