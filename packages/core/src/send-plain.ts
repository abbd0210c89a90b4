import { readReply } from "./decode-reply.ts";
import type { Command, RedisPort, Reply, SendOptions } from "./redis.ts";

/**
 * Sends a command that only reads, and answers what its reply is decoded to.
 * @throws {RedisError} the way failed, Redis refused it, or its reply cannot be read
 */
export async function ask<R>(redis: RedisPort, command: Command, decode: (reply: Reply) => R, options: SendOptions = {}): Promise<R> {
  const [reply] = await sendPlain(redis, [command], options);
  return readReply(reply!, decode);
}

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
