import type { Broker } from "../broker.ts";
import type { SendOptions } from "../redis.ts";
import { ask } from "../send-plain.ts";
import { decodeText } from "../verdicts.ts";

/**
 * What Redis says of itself, by name, as Asynq's dashboard shows it. Reads only.
 * @throws {RedisError}
 * @see Asynq internal/rdb/inspect.go, `RedisInfo`, which passes over values that hold a colon
 */
export function readRedisInfo({ redis }: Broker, options: SendOptions = {}): Promise<Readonly<Record<string, string>>> {
  return ask(redis, ["INFO"], (reply) => readInfo(decodeText(reply)), options);
}

/**
 * What a Cluster says of itself, by name. Reads only.
 * @throws {RedisError} also when it is no Cluster
 * @see Asynq internal/rdb/inspect.go, `ClusterInfo`
 */
export function readClusterInfo({ redis }: Broker, options: SendOptions = {}): Promise<Readonly<Record<string, string>>> {
  return ask(redis, ["CLUSTER", "INFO"], (reply) => readInfo(decodeText(reply)), options);
}

function readInfo(text: string): Record<string, string> {
  const info: Record<string, string> = Object.create(null);
  for (const line of text.split(/\r?\n/)) {
    const at = line.indexOf(":");
    if (at > 0 && !line.startsWith("#")) info[line.slice(0, at)] = line.slice(at + 1);
  }
  return info;
}
