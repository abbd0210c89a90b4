import { type HostPort, type ParsedRedis, wayFailed } from "@asynqjs/core/redis/ioredis";
import { inTime, openConnection } from "./open-connection.ts";

type SentinelRedis = Extract<ParsedRedis, { readonly kind: "sentinel" }>;

/**
 * Asks the Sentinels in turn, the one that knew last time first, where the master is now.
 * @throws {RedisError} none of them says
 */
export function masterFinder({
  sentinels,
  master,
  sentinelUsername,
  sentinelPassword,
  tls,
}: SentinelRedis): (signal: AbortSignal) => Promise<HostPort> {
  let order = [...sentinels];
  return async (signal) => {
    let why: unknown = wayFailed(`no Sentinel knows the master "${master}"`, "no");
    for (const sentinel of order) {
      try {
        const connection = await openConnection({ ...sentinel, tls, username: sentinelUsername, password: sentinelPassword }, signal);
        const ask = () => connection.call([["SENTINEL", "get-master-addr-by-name", master]]);
        const [answer] = await inTime(connection, ask, signal).finally(() => connection.close());
        if (answer!.error !== undefined) throw answer!.error;
        const { reply } = answer!;
        if (reply === null) continue;
        order = [sentinel, ...order.filter((other) => other !== sentinel)];
        const [host, port] = (reply as readonly Uint8Array[]).map((word) => Buffer.from(word).toString());
        return { host: host!, port: Number(port) };
      } catch (error) {
        why = error;
      }
    }
    throw why;
  };
}
