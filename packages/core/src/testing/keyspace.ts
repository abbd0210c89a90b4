import type { Command, RedisPort, Reply } from "../redis.ts";

/** A key's value by its type: text for a string, list, set (sorted), `{member: score}` or `{field: value}`. */
export type KeyValue = string | readonly string[] | Readonly<Record<string, string>>;

/**
 * The whole keyspace as plain values, for comparing a state before with a state after. Bytes are read as latin-1, one character a byte.
 * Leaves out the call records, which every call writes, unless asked for.
 */
export async function readKeyspace(
  redis: RedisPort,
  { calls = false }: { readonly calls?: boolean } = {},
): Promise<Record<string, KeyValue>> {
  const keys = new Map<string, Uint8Array>();
  let cursor = "0";
  do {
    const [next, some] = (await one(redis, ["SCAN", cursor, "COUNT", "1000"])) as [Uint8Array, Uint8Array[]];
    for (const key of some) keys.set(text(key), key);
    cursor = text(next);
  } while (cursor !== "0");
  const space: Record<string, KeyValue> = {};
  for (const name of [...keys.keys()].sort()) {
    if (!calls && name.includes(":js:call:")) continue;
    space[name] = await readKey(redis, keys.get(name)!);
  }
  return space;
}

async function readKey(redis: RedisPort, key: Uint8Array): Promise<KeyValue> {
  const type = text((await one(redis, ["TYPE", key])) as Uint8Array);
  // The third protocol answers pairs as pairs and scores as numbers.
  const list = async (command: Command): Promise<string[]> => ((await one(redis, command)) as Uint8Array[]).flat().map(text);
  switch (type) {
    case "list":
      return list(["LRANGE", key, "0", "-1"]);
    case "set":
      return (await list(["SMEMBERS", key])).sort();
    case "zset":
      return pairs(await list(["ZRANGE", key, "0", "-1", "WITHSCORES"]));
    case "hash":
      return pairs(await list(["HGETALL", key]));
    default:
      return text((await one(redis, ["GET", key])) as Uint8Array);
  }
}

async function one(redis: RedisPort, command: Command): Promise<Reply> {
  const [result] = await redis.send([command]);
  if (result!.error !== undefined) throw result!.error;
  return result!.reply;
}

function pairs(flat: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (let i = 0; i < flat.length; i += 2) found[flat[i]!] = flat[i + 1]!;
  return found;
}

function text(bytes: Uint8Array | number): string {
  if (typeof bytes === "number") return String(bytes);
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}
