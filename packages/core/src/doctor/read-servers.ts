import type { Broker } from "../broker.ts";
import { decodeBytes, decodeList, decodeOptional, readReply } from "../decode-reply.ts";
import { DecodeError } from "../errors.ts";
import { allServers } from "../keys.ts";
import type { Command, Reply, SendOptions } from "../redis.ts";
import { sendPlain } from "../send-plain.ts";
import { decodeText } from "../verdicts.ts";
import { decodeServerInfo } from "../wire/server-info.ts";
import type { Known, ServerFacts } from "./facts.ts";

/** Some cannot stand for the rest here: whether a queue is served is a matter of all. */
const maxServers = 5_000;

/**
 * The servers that beat, nothing where there are more than 5,000; what they run they tell in numbers. Reads only, unlike the Inspector's list: what is over stays
 * in the index.
 * @throws {RedisError}
 */
export async function readServers({ redis }: Broker, nowSec: number, options: SendOptions = {}): Promise<Known<readonly ServerFacts[]>> {
  const living = ["ZRANGEBYSCORE", allServers, String(nowSec), "+inf", "LIMIT", "0", String(maxServers + 1)];
  const [keys] = await sendPlain(redis, [living], options);
  const gets = readReply(keys!, (reply) => decodeList(reply).map((key): Command => ["GET", decodeText(key)]));
  if (gets.length > maxServers) return { why: `more than ${maxServers} servers beat` };
  const records = gets.length === 0 ? [] : await sendPlain(redis, gets, options);
  return { value: records.flatMap(readServer) };
}

function readServer(reply: Reply): ServerFacts[] {
  const bytes = readReply(reply, (word) => decodeOptional(word, decodeBytes));
  if (bytes === undefined) return [];
  try {
    const { serverId, host, pid, concurrency, queues, strictPriority, status, activeWorkerCount } = decodeServerInfo(bytes, "a server");
    return [{ id: serverId, host, pid, concurrency, queues, strictPriority, status, running: activeWorkerCount }];
  } catch (error) {
    if (error instanceof DecodeError) return [];
    throw error;
  }
}
