import type { Broker } from "../broker.ts";
import { unixSec } from "../clock.ts";
import { decodeCount, decodeList, readReply } from "../decode-reply.ts";
import type { Command, SendOptions } from "../redis.ts";
import { sendPlain } from "../send-plain.ts";
import { decodeText } from "../verdicts.ts";

/**
 * The keys that each of these indexes names and that are not over, as `asynq:servers` has them by the second in which they expire. What is over
 * is taken out where there is any, as Asynq does each time it lists; for who may only read it stays.
 *
 * May be repeated: yes.
 * @throws {RedisError}
 */
export async function liveKeys({ redis, clock }: Broker, indexes: readonly string[], options: SendOptions = {}): Promise<string[][]> {
  const nowSec = unixSec(clock.nowMs());
  const [from, until] = [String(nowSec), String(nowSec - 1)];
  const live = indexes.map((index): Command => ["ZRANGEBYSCORE", index, from, "+inf"]);
  const over = indexes.map((index): Command => ["ZCOUNT", index, "-inf", until]);
  const replies = await sendPlain(redis, [...live, ...over], options);
  const counts = replies.slice(indexes.length).map((reply) => readReply(reply, decodeCount));
  const tidy = indexes.flatMap((index, i): Command[] => (counts[i]! > 0 ? [["ZREMRANGEBYSCORE", index, "-inf", until]] : []));
  // A refusal is no matter: what is over is not in the answer either way.
  if (tidy.length > 0) await redis.send(tidy, options);
  return indexes.map((_, i) => readReply(replies[i]!, (reply) => decodeList(reply).map(decodeText)));
}
