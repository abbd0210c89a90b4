import type { Broker } from "../broker.ts";
import { unixSec } from "../clock.ts";
import { checkSkew, isCorrected } from "../corrected-clock.ts";
import { decodeList, decodeOptional, decodeScore, decodeTime, readReply } from "../decode-reply.ts";
import { allQueues, lastTicksKey } from "../keys.ts";
import type { Command, Reply, SendOptions } from "../redis.ts";
import { sendPlain } from "../send-plain.ts";
import { decodeText } from "../verdicts.ts";

/** What whoever runs ticks is to know first. */
export interface TicksBegin {
  /** Every queue that was ever enqueued to and not removed, sorted. */
  readonly queues: readonly string[];
  /** Of each of the names asked for when its tick last ended, Unix seconds; absent where none is known. */
  readonly lastSecs: ReadonlyMap<string, number>;
}

/**
 * Asks in one request what a run of ticks begins with: Redis' own time where the clock goes by it, the queues, and when the ticks of these
 * names last ended (`noteTick`). Reads only.
 * @throws {RedisError}
 * @throws {ClockSkewError} the clocks are more than five minutes apart
 */
export async function beginTicks(
  { redis, clock }: Broker,
  { names = [] }: { readonly names?: readonly string[] | undefined },
  options: SendOptions = {},
): Promise<TicksBegin> {
  const corrected = isCorrected(clock) ? clock : undefined;
  const asked: Command[] = [["SMEMBERS", allQueues]];
  if (names.length > 0) asked.push(["HMGET", lastTicksKey, ...names]);
  if (corrected !== undefined) asked.push(["TIME"]);
  const answered = corrected?.asking();
  const replies: readonly Reply[] = await sendPlain(redis, asked, options);
  if (corrected !== undefined) {
    answered!(readReply(replies.at(-1)!, decodeTime));
    checkSkew(corrected);
  }
  const queues = readReply(replies[0]!, (reply) => decodeList(reply).map(decodeText));
  const lasts =
    names.length === 0 ? [] : readReply(replies[1]!, (reply) => decodeList(reply).map((sec) => decodeOptional(sec, decodeScore)));
  const known = names.flatMap((name, i): [string, number][] => (lasts[i] === undefined ? [] : [[name, lasts[i]]]));
  return { queues: queues.sort(), lastSecs: new Map(known) };
}

/** Notes that the tick of this name ended now. May be repeated. @throws {RedisError} */
export async function noteTick({ redis, clock }: Broker, name: string, options: SendOptions = {}): Promise<void> {
  await sendPlain(redis, [["HSET", lastTicksKey, name, String(unixSec(clock.nowMs()))]], options);
}
