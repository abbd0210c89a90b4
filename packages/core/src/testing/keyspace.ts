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
  const names = [...keys.keys()].filter((name) => calls || !name.includes(":js:call:")).sort();
  const types = (await all(redis, names, (name) => ["TYPE", keys.get(name)!])).map((type) => text(type as Uint8Array));
  const values = await all(redis, names, (name, i) => readerOf(types[i]!, keys.get(name)!));
  // One that expired meanwhile is not there.
  return Object.fromEntries(names.flatMap((name, i) => (values[i] === null ? [] : [[name, readValue(types[i]!, values[i]!)]])));
}

function readerOf(type: string, key: Uint8Array): Command {
  switch (type) {
    case "list":
      return ["LRANGE", key, "0", "-1"];
    case "set":
      return ["SMEMBERS", key];
    case "zset":
      return ["ZRANGE", key, "0", "-1", "WITHSCORES"];
    case "hash":
      return ["HGETALL", key];
    default:
      return ["GET", key];
  }
}

function readValue(type: string, reply: Reply): KeyValue {
  if (!Array.isArray(reply)) return text(reply as Uint8Array);
  // The third protocol answers pairs as pairs and scores as numbers.
  const flat = (reply as readonly Uint8Array[]).flat().map(text);
  if (type === "zset" || type === "hash") return pairs(flat);
  return type === "set" ? flat.sort() : flat;
}

/** A command for each name, some hundred in a request. */
async function all(redis: RedisPort, names: readonly string[], command: (name: string, i: number) => Command): Promise<Reply[]> {
  const commands = names.map(command);
  const replies: Reply[] = [];
  for (let at = 0; at < commands.length; at += 500) {
    for (const result of await redis.send(commands.slice(at, at + 500))) {
      if (result.error !== undefined) throw result.error;
      replies.push(result.reply);
    }
  }
  return replies;
}

async function one(redis: RedisPort, command: Command): Promise<Reply> {
  const [reply] = await all(redis, [""], () => command);
  return reply!;
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
