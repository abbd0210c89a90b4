/**
 * Queues as real Go Asynq left them: dumps in `test/interop/golden`, made and compared by `npm run interop`, for tests that need no Go.
 * @module
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Redis } from "ioredis";

/** One key by its type; what is or may be bytes is base64, scores are as Redis prints them. */
type DumpedKey =
  | { readonly list: readonly string[] }
  | { readonly set: readonly string[] }
  | { readonly zset: Readonly<Record<string, string>> }
  | { readonly hash: Readonly<Record<string, string>> }
  | { readonly string: string; readonly ttlSec: number };

/** Every key of the queue `default` and `asynq:queues`, by name. */
export type GoState = Readonly<Record<string, DumpedKey>>;

/** What was done to make a state; `test/interop/golden.interop.ts` does it. */
export type GoStateName =
  /** Go's client enqueued `a`, `b` and `c`. */
  | "pending"
  /** A. A Go worker finished `a` after its lease entry had been evicted: in no container, and active by its own account. */
  | "evicted-lease"
  /** A Go worker was killed while it ran `a`. */
  | "active"
  /** B. A Go worker took the id `gone`, whose hash was missing. */
  | "dangling"
  /** C. Go's client was refused a unique task for its id, `a`, at once, later and in a group: three locks. */
  | "refused-unique"
  /** D. A Go worker could not archive `a`, `b` and `c` where 8,010 archived tasks had expired, of which three are kept here. */
  | "archive-failed"
  /** A Go worker archived the unique task `z`, which keeps its lock. */
  | "archived"
  /** E. Go's aggregator was killed while it had `a`, `b` and `c` of the group `hang` in a set. */
  | "aggregating"
  /** E. Go's recoverer then gave that set back, once it was stale. */
  | "reclaimed"
  /** F. A frozen Go worker woke up and failed `a` while another Go worker ran it again. */
  | "zombie"
  /** G. Go's aggregator could not read its set of `a`, `b` and `c`, since `b` is no message. */
  | "hole-in-set"
  /** H. Go's inspector archived all of 10,050 tasks, of which it left the hashes of 51 behind; of the others three are kept here. */
  | "trimmed"
  /** I. A Go worker took `a`, `b` and `c` while the key of the leases held a string. */
  | "wrong-lease";

export function goStateFile(name: GoStateName): string {
  return fileURLToPath(new URL(`../interop/golden/${name}.json`, import.meta.url));
}

export function readGoState(name: GoStateName): GoState {
  return JSON.parse(readFileSync(goStateFile(name), "utf8")) as GoState;
}

/** Puts the keys of a state into Redis, beside what is there. */
export async function restoreGoState(redis: Redis, name: GoStateName): Promise<void> {
  for (const [key, value] of Object.entries(readGoState(name))) {
    if ("list" in value) await redis.rpush(key, ...value.list);
    else if ("set" in value) await redis.sadd(key, ...value.set);
    else if ("zset" in value) for (const [member, score] of Object.entries(value.zset)) await redis.zadd(key, score, member);
    else if ("hash" in value) for (const [field, text] of Object.entries(value.hash)) await redis.hset(key, field, fromBase64(text));
    else {
      await redis.set(key, fromBase64(value.string));
      if (value.ttlSec >= 0) await redis.expire(key, value.ttlSec);
    }
  }
}

/** The state as it stands in Redis. */
export async function dumpGoState(redis: Redis): Promise<GoState> {
  const dumped: Record<string, DumpedKey> = {};
  for (const key of [...(await redis.keys("asynq:{default}:*")), "asynq:queues"].sort()) dumped[key] = await dumpKey(redis, key);
  return dumped;
}

async function dumpKey(redis: Redis, key: string): Promise<DumpedKey> {
  switch (await redis.type(key)) {
    case "list":
      return { list: await redis.lrange(key, "0", "-1") };
    case "set":
      return { set: (await redis.smembers(key)).sort() };
    case "zset": {
      const flat = await redis.zrange(key, "0", "-1", "WITHSCORES");
      return { zset: Object.fromEntries(flat.flatMap((member, i) => (i % 2 === 0 ? [[member, flat[i + 1]!]] : []))) };
    }
    case "hash": {
      const fields = Object.entries(await redis.hgetallBuffer(key)).sort(([a], [b]) => (a < b ? -1 : 1));
      return { hash: Object.fromEntries(fields.map(([field, bytes]) => [field, bytes.toString("base64")])) };
    }
    default:
      return { string: (await redis.getBuffer(key))!.toString("base64"), ttlSec: await redis.ttl(key) };
  }
}

const fromBase64 = (text: string): Buffer => Buffer.from(text, "base64");
