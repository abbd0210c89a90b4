import type { RedisPort } from "@asynqjs/core";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { type KeyValue, readKeyspace } from "@asynqjs/core/testing";
import { Redis } from "ioredis";

/** One of the databases that are compared. */
export interface Database {
  readonly url: string;
  readonly redis: Redis;
  readonly port: RedisPort;
}

export function openDatabase(url: string): Database {
  const redis = new Redis(url, { protocol: 2 });
  return { url, redis, port: ioredisPort(redis) };
}

/** A database as it was: names and values as `readKeyspace` has them, one character a byte. */
export interface Snapshot {
  readonly keys: Readonly<Record<string, KeyValue>>;
  /** When each key that expires is over, epoch milliseconds of Redis. */
  readonly expiresAtMs: Readonly<Record<string, number>>;
}

/** Of each key when it ends: how long it is there would be told by another clock than what time it is. */
const readEnds = /* lua */ `
local ends = {}
for i, key in ipairs(KEYS) do ends[i] = redis.call("PEXPIRETIME", key) end
return ends
`;

/** Reads a database, its servers' names and its aggregation sets' ids replaced by what is the same on either side. */
export async function takeSnapshot({ redis, port }: Database): Promise<Snapshot> {
  const space = await readKeyspace(port, { calls: true });
  const names = Object.keys(space);
  const asked = names.map((name) => Buffer.from(name, "latin1"));
  const endsMs = (await redis.eval(readEnds, asked.length, ...asked)) as number[];
  const keys: Record<string, KeyValue> = {};
  const expiresAtMs: Record<string, number> = {};
  for (const [i, name] of names.entries()) {
    const key = nameless(name);
    keys[key] = namesReplaced(key, space[name]!);
    if (endsMs[i]! >= 0) expiresAtMs[key] = endsMs[i]!;
  }
  return { keys, expiresAtMs };
}

function nameless(name: string): string {
  return name
    .replace(/^(asynq:(?:servers|workers)):\{.*:\d+:[0-9a-f-]{36}\}$/, "$1:{<server>}")
    .replace(/^(asynq:\{.*\}:g:.*):[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, "$1:<set>");
}

/** The indexes hold such names. */
function namesReplaced(key: string, value: KeyValue): KeyValue {
  if (typeof value === "string" || Array.isArray(value)) return value;
  if (!/^asynq:(servers|workers)$|:aggregation_sets$|:js:aggregated$/.test(key)) return value;
  return Object.fromEntries(Object.entries(value).map(([member, score]) => [nameless(member), score]));
}

/** The fields of a hash or the scores of a sorted set; nothing where there is none. */
export function pairsOf({ keys }: Snapshot, key: string): Readonly<Record<string, string>> {
  const value = keys[key];
  return value === undefined || typeof value === "string" || Array.isArray(value) ? {} : (value as Readonly<Record<string, string>>);
}

/** The members of a list or a set; nothing where there is none. */
export function membersOf({ keys }: Snapshot, key: string): readonly string[] {
  const value = keys[key];
  return Array.isArray(value) ? value : [];
}

/** A string's value. */
export function textOf({ keys }: Snapshot, key: string): string | undefined {
  const value = keys[key];
  return typeof value === "string" ? value : undefined;
}

export function taskOf(snapshot: Snapshot, queue: string, id: string): Readonly<Record<string, string>> {
  return pairsOf(snapshot, `asynq:{${queue}}:t:${id}`);
}
