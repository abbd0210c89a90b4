import type { Command } from "./command.ts";

/** Commands that write nothing, whatever their arguments, and look at what they are told to look at. */
const readers: ReadonlySet<string> = new Set([
  ...[
    "PING",
    "ECHO",
    "TIME",
    "DBSIZE",
    "EXISTS",
    "TYPE",
    "TTL",
    "PTTL",
    "EXPIRETIME",
    "PEXPIRETIME",
    "OBJECT",
    "DUMP",
    "TOUCH",
    "RANDOMKEY",
  ],
  ...["GET", "MGET", "STRLEN", "GETRANGE", "SUBSTR", "LCS", "GETBIT", "BITCOUNT", "BITPOS", "BITFIELD_RO", "PFCOUNT"],
  ...["HGET", "HMGET", "HGETALL", "HEXISTS", "HKEYS", "HVALS", "HLEN", "HSTRLEN", "HRANDFIELD", "HSCAN"],
  ...["HTTL", "HPTTL", "HEXPIRETIME", "HPEXPIRETIME"],
  ...["LRANGE", "LINDEX", "LLEN", "LPOS"],
  ...["SMEMBERS", "SISMEMBER", "SMISMEMBER", "SCARD", "SRANDMEMBER", "SSCAN", "SINTER", "SUNION", "SDIFF", "SINTERCARD"],
  ...[
    "ZRANGE",
    "ZREVRANGE",
    "ZRANGEBYSCORE",
    "ZREVRANGEBYSCORE",
    "ZRANGEBYLEX",
    "ZREVRANGEBYLEX",
    "ZSCORE",
    "ZMSCORE",
    "ZRANK",
    "ZREVRANK",
  ],
  ...["ZCARD", "ZCOUNT", "ZLEXCOUNT", "ZRANDMEMBER", "ZSCAN", "ZINTER", "ZUNION", "ZDIFF", "ZINTERCARD"],
  ...["XRANGE", "XREVRANGE", "XLEN", "XREAD", "XINFO", "XPENDING"],
  ...["GEOPOS", "GEODIST", "GEOHASH", "GEOSEARCH", "GEORADIUS_RO", "GEORADIUSBYMEMBER_RO", "SORT_RO"],
]);

/** They write nothing either, but walk over all keys or run code. Upstash keeps the like from its read-only token. */
const powerful: ReadonlySet<string> = new Set(["KEYS", "SCAN", "EVAL_RO", "EVALSHA_RO", "FCALL_RO", "INFO", "COMMAND", "PUBSUB", "MEMORY"]);

/** The names of all commands that are known to write nothing. */
export const readCommands: readonly string[] = [...readers, ...powerful];

/** Whether a command is known to write nothing. */
export function onlyReads([name]: Command): boolean {
  const upper = name.toUpperCase();
  return readers.has(upper) || powerful.has(upper);
}

/** Why the bearer of a `read` token may not run a command; `undefined` where it may. */
export function refuseUnlessReading([name]: Command): string | undefined {
  const upper = name.toUpperCase();
  return readers.has(upper) ? undefined : `NOPERM this token only reads: '${upper}' is not allowed`;
}
