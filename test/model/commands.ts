/** Plain commands, as somebody else than us sends them: to Redis, and to the model. @module */
import type { Redis } from "ioredis";
import type { Keyspace } from "./keyspace.ts";

export type PlainCommand = readonly [name: string, key: string, ...words: (string | number)[]];

/** Sends commands to Redis and carries them out on the model. @throws {Error} Redis refused one of them */
export async function sendBoth(redis: Redis, keyspace: Keyspace, commands: readonly PlainCommand[]): Promise<void> {
  const pipeline = redis.pipeline();
  for (const [name, ...words] of commands) pipeline.call(name, ...words.map((word) => Buffer.from(String(word), "latin1")));
  for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
  for (const command of commands) carryOut(keyspace, command);
}

function carryOut(k: Keyspace, [name, key, ...rest]: PlainCommand): void {
  const [one = "", two = ""] = rest.map(String);
  switch (name) {
    case "DEL":
      k.drop(key);
      break;
    case "SET":
      k.setText(key, one, two === "EX" ? Number(rest[2]) : undefined);
      break;
    case "HSET":
      k.setFields(key, { [one]: two });
      break;
    case "HDEL":
      k.dropFields(key, one);
      break;
    case "ZADD":
      k.setScore(key, two, Number(one));
      break;
    case "ZREM":
      k.removeScore(key, one);
      break;
    case "LPUSH":
      k.pushLeft(key, one);
      break;
    case "RPUSH":
      k.pushRight(key, one);
      break;
    case "RPOP":
      k.popRight(key);
      break;
    case "INCR":
      k.setText(key, String(Number(k.text(key) ?? 0) + 1), k.leftMs(key) === undefined ? undefined : k.leftMs(key)! / 1000);
      break;
    case "EXPIREAT":
      k.endAt(key, Number(one));
      break;
    case "LREM":
      k.removeItem(key, two, "all");
      break;
    case "SADD":
      k.addMember(key, one);
      break;
    case "SREM":
      k.removeMember(key, one);
      break;
    default:
      throw new Error(`the model knows no ${name}`);
  }
}
