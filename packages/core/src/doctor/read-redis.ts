import type { Broker } from "../broker.ts";
import { unixSec } from "../clock.ts";
import { decodeCount, decodeList, decodeTime } from "../decode-reply.ts";
import { allQueues } from "../keys.ts";
import type { CommandResult, Reply, SendOptions } from "../redis.ts";
import { decodeText } from "../verdicts.ts";
import type { Facts, InfoFields, Known, Sampled } from "./facts.ts";
import { mapKnown, readKnown } from "./known.ts";

/** What Redis says of itself, and which queues there are. */
export interface RedisFacts extends Pick<Facts, "nowSec" | "offsetMs" | "info" | "errors" | "scriptFlushes" | "settings" | "cluster"> {
  /** Of more queues as many as were asked for, drawn by Redis. */
  readonly names: Known<Sampled<string>>;
  /** How many keys the database has. */
  readonly keys: Known<number>;
}

/**
 * Asks in one request, of a Cluster in two, what Redis says of itself, and the names of so many queues. Reads only.
 * @throws {RedisError} the way failed
 */
export async function readRedis({ redis, clock }: Broker, maxQueues: number, options: SendOptions = {}): Promise<RedisFacts> {
  const sentMs = clock.nowMs();
  const sentAtMs = clock.monotonicMs();
  const answers = await redis.send(
    [
      ["TIME"],
      ["INFO"],
      ["INFO", "commandstats"],
      ["INFO", "errorstats"],
      ["CONFIG", "GET", "save"],
      ["CONFIG", "GET", "appendfsync"],
      ["SCARD", allQueues],
      ["SRANDMEMBER", allQueues, String(maxQueues)],
      ["DBSIZE"],
    ],
    options,
  );
  const [time, info, commands, errors, save, fsync, size, names, keys] = answers as Nine<CommandResult>;
  const timeMs = readKnown(time, decodeTime);
  const fields = readKnown(info, decodeInfo);
  // A user is given the right to ask where there is a Cluster; elsewhere Redis would note a refusal.
  const [cluster] = fields.value?.cluster_enabled === "1" ? await redis.send([["CLUSTER", "INFO"]], options) : [];
  return {
    nowSec: unixSec(timeMs.value ?? clock.nowMs()),
    offsetMs: mapKnown(timeMs, (at) => at - (sentMs + (clock.monotonicMs() - sentAtMs) / 2)),
    info: fields,
    errors: mapKnown(readKnown(errors, decodeInfo), countErrors),
    scriptFlushes: mapKnown(readKnown(commands, decodeInfo), countFlushes),
    settings: both(readKnown(save, decodePairs), readKnown(fsync, decodePairs)),
    ...(cluster !== undefined && { cluster: readKnown(cluster, decodeInfo) }),
    names: mapKnown(readKnown(names, decodeTexts), (looked) => ({ total: Math.max(looked.length, countOf(size)), looked })),
    keys: readKnown(keys, (reply) => decodeCount(reply)),
  };
}

type Nine<T> = [T, T, T, T, T, T, T, T, T];

function both(one: Known<InfoFields>, other: Known<InfoFields>): Known<InfoFields> {
  return one.why === undefined && other.why === undefined ? { value: { ...one.value, ...other.value } } : { why: (one.why ?? other.why)! };
}

function countOf({ reply }: CommandResult): number {
  return typeof reply === "number" ? reply : 0;
}

function decodeTexts(reply: Reply): string[] {
  return decodeList(reply).map(decodeText).sort();
}

function decodeInfo(reply: Reply): InfoFields {
  const fields: Record<string, string> = Object.create(null);
  for (const line of decodeText(reply).split(/\r?\n/)) {
    const at = line.indexOf(":");
    if (at > 0 && !line.startsWith("#")) fields[line.slice(0, at)] = line.slice(at + 1);
  }
  return fields;
}

/** What `CONFIG GET` answers. */
function decodePairs(reply: Reply): InfoFields {
  const words = decodeList(reply).map(decodeText);
  return Object.fromEntries(words.flatMap((name, i) => (i % 2 === 0 ? [[name, words[i + 1] ?? ""]] : [])));
}

/** `errorstat_NOPERM:count=3`. */
function countErrors(fields: InfoFields): ReadonlyMap<string, number> {
  return new Map(
    Object.entries(fields).map(([name, value]) => [name.replace("errorstat_", ""), Number(/count=(\d+)/.exec(value)?.[1] ?? 0)]),
  );
}

/** `cmdstat_script|flush:calls=3,…`; a Redis before 7.0 counts all of `SCRIPT` as one. */
function countFlushes(fields: InfoFields): number {
  return Number(/calls=(\d+)/.exec(fields["cmdstat_script|flush"] ?? "")?.[1] ?? 0);
}
