import type { Broker } from "../broker.ts";
import { decodeBytes, decodeCount, decodeList, decodeOptional, readReply } from "../decode-reply.ts";
import { DecodeError } from "../errors.ts";
import { allServers } from "../keys.ts";
import type { Command, Reply, SendOptions } from "../redis.ts";
import { sendPlain } from "../send-plain.ts";
import { decodeText } from "../verdicts.ts";
import { decodeServerInfo } from "../wire/server-info.ts";
import type { Sampled, ServerFacts } from "./facts.ts";

/** Of more servers some stand for the rest. */
const maxServers = 500;

/**
 * The servers that beat, at most 500 of them; what they run they tell in numbers. Reads only, unlike the Inspector's list: what is over stays
 * in the index.
 * @throws {RedisError}
 */
export async function readServers({ redis }: Broker, nowSec: number, options: SendOptions = {}): Promise<Sampled<ServerFacts>> {
  const [total, keys] = await sendPlain(
    redis,
    [
      ["ZCOUNT", allServers, String(nowSec), "+inf"],
      ["ZRANGEBYSCORE", allServers, String(nowSec), "+inf", "LIMIT", "0", String(maxServers)],
    ],
    options,
  );
  const gets = readReply(keys!, (reply) => decodeList(reply).map((key): Command => ["GET", decodeText(key)]));
  const records = gets.length === 0 ? [] : await sendPlain(redis, gets, options);
  return { total: readReply(total!, (reply) => decodeCount(reply)), looked: records.flatMap(readServer) };
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
