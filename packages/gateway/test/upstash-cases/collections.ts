import { expect } from "vitest";
import type { Cases } from "./case.ts";

const inAnyOrder = (...items: unknown[]) =>
  expect.toSatisfy((found: unknown[]) => JSON.stringify([...found].sort()) === JSON.stringify(items));

export const hashCases: Cases = {
  hdel: ["HSET k a 1 b 2", (r) => r.hdel("k", "a", "none"), 1],
  hexists: ["HSET k a 1", (r) => r.hexists("k", "a"), 1],
  hget: ["HSET k a x", (r) => r.hget("k", "a"), "x"],
  hgetall: ["HSET k a x b 2", (r) => r.hgetall("k"), { a: "x", b: 2 }],
  hincrby: ["HSET k a 1", (r) => r.hincrby("k", "a", 4), 5],
  hincrbyfloat: ["HSET k a 1", (r) => r.hincrbyfloat("k", "a", 0.5), 1.5],
  hkeys: ["HSET k a 1 b 2", (r) => r.hkeys("k"), ["a", "b"]],
  hlen: ["HSET k a 1 b 2", (r) => r.hlen("k"), 2],
  hmget: ["HSET k a x b y", (r) => r.hmget("k", "a", "none"), { a: "x", none: null }],
  hmset: ["", (r) => r.hmset("k", { a: "x" }), "OK"],
  hrandfield: ["HSET k a x", (r) => r.hrandfield("k", 1, true), { a: "x" }],
  hscan: ["HSET k a x b y", (r) => r.hscan("k", 0, { match: "a*", count: 10 }), ["0", ["a", "x"]]],
  hset: ["HSET k a x", (r) => r.hset("k", { a: "y", b: { c: 1 } }), 1],
  hsetnx: ["HSET k a x", (r) => r.hsetnx("k", "a", "y"), 0],
  hstrlen: ["HSET k a xyz", (r) => r.hstrlen("k", "a"), 3],
  hvals: ["HSET k a x b y", (r) => r.hvals("k"), ["x", "y"]],
};

export const listCases: Cases = {
  lindex: ["RPUSH k a b", (r) => r.lindex("k", -1), "b"],
  linsert: ["RPUSH k a c", (r) => r.linsert("k", "before", "c", "b"), 3],
  llen: ["RPUSH k a b", (r) => r.llen("k"), 2],
  lmove: ["RPUSH k a b", (r) => r.lmove("k", "l", "left", "right"), "a"],
  lmpop: ["RPUSH k a b", (r) => r.lmpop(2, ["none", "k"], "LEFT", 2), ["k", ["a", "b"]]],
  lpop: ["RPUSH k a b c", (r) => r.lpop("k", 2), ["a", "b"]],
  lpos: ["RPUSH k a b a", (r) => r.lpos("k", "a", { rank: 2 }), 2],
  lpush: ["", (r) => r.lpush("k", "a", "b"), 2],
  lpushx: ["", (r) => r.lpushx("k", "a"), 0],
  lrange: ["RPUSH k a b c", (r) => r.lrange("k", 0, 1), ["a", "b"]],
  lrem: ["RPUSH k a b a", (r) => r.lrem("k", 0, "a"), 2],
  lset: ["RPUSH k a", (r) => r.lset("k", 0, "b"), "OK"],
  ltrim: ["RPUSH k a b", (r) => r.ltrim("k", 0, 0), "OK"],
  rpop: ["RPUSH k a b", (r) => r.rpop("k"), "b"],
  rpush: ["RPUSH k a", (r) => r.rpush("k", "b", "c"), 3],
  rpushx: ["RPUSH k a", (r) => r.rpushx("k", "b"), 2],
};

export const setCases: Cases = {
  sadd: ["SADD k a", (r) => r.sadd("k", "a", "b"), 1],
  scard: ["SADD k a b", (r) => r.scard("k"), 2],
  sdiff: ["SADD k a b; SADD l b", (r) => r.sdiff("k", "l"), ["a"]],
  sdiffstore: ["SADD k a b; SADD l b", (r) => r.sdiffstore("d", "k", "l"), 1],
  sinter: ["SADD k a b; SADD l b", (r) => r.sinter("k", "l"), ["b"]],
  sintercard: ["SADD k a b; SADD l a b", (r) => r.sintercard(["k", "l"], { limit: 1 }), 1],
  sinterstore: ["SADD k a b; SADD l b", (r) => r.sinterstore("d", "k", "l"), 1],
  sismember: ["SADD k a", (r) => r.sismember("k", "a"), 1],
  smembers: ["SADD k a b", (r) => r.smembers("k"), inAnyOrder("a", "b")],
  smismember: ["SADD k a", (r) => r.smismember("k", ["a", "b"]), [1, 0]],
  smove: ["SADD k a", (r) => r.smove("k", "l", "a"), 1],
  spop: ["SADD k a", (r) => r.spop("k"), "a"],
  srandmember: ["SADD k a", (r) => r.srandmember("k"), "a"],
  srem: ["SADD k a b", (r) => r.srem("k", "a", "none"), 1],
  sscan: ["SADD k a", (r) => r.sscan("k", 0, { match: "*", count: 10 }), ["0", ["a"]]],
  sunion: ["SADD k a; SADD l b", (r) => r.sunion("k", "l"), inAnyOrder("a", "b")],
  sunionstore: ["SADD k a; SADD l b", (r) => r.sunionstore("d", "k", "l"), 2],
};

export const sortedSetCases: Cases = {
  zadd: ["ZADD k 1 a", (r) => r.zadd("k", { ch: true }, { score: 2, member: "a" }, { score: 3, member: "b" }), 2],
  zcard: ["ZADD k 1 a", (r) => r.zcard("k"), 1],
  zcount: ["ZADD k 1 a 2 b 3 c", (r) => r.zcount("k", "(1", "+inf"), 2],
  zdiffstore: ["ZADD k 1 a 2 b; ZADD l 1 a", (r) => r.zdiffstore("d", 2, "k", "l"), 1],
  zincrby: ["ZADD k 1 a", (r) => r.zincrby("k", 1.5, "a"), 2.5],
  zinterstore: ["ZADD k 1 a; ZADD l 2 a", (r) => r.zinterstore("d", 2, ["k", "l"], { aggregate: "sum" }), 1],
  zlexcount: ["ZADD k 0 a 0 b", (r) => r.zlexcount("k", "[a", "+"), 2],
  zmscore: ["ZADD k 1 a", (r) => r.zmscore("k", ["a", "none"]), [1, null]],
  zpopmax: ["ZADD k 1 a 2 b", (r) => r.zpopmax("k", 1), ["b", 2]],
  zpopmin: ["ZADD k 1 a 2 b", (r) => r.zpopmin("k", 2), ["a", 1, "b", 2]],
  zrange: ["ZADD k 1 a 2 b", (r) => r.zrange("k", 0, "+inf", { byScore: true, withScores: true }), ["a", 1, "b", 2]],
  zrank: ["ZADD k 1 a 2 b", (r) => r.zrank("k", "b"), 1],
  zrem: ["ZADD k 1 a 2 b", (r) => r.zrem("k", "a", "none"), 1],
  zremrangebylex: ["ZADD k 0 a 0 b", (r) => r.zremrangebylex("k", "[a", "[a"), 1],
  zremrangebyrank: ["ZADD k 1 a 2 b", (r) => r.zremrangebyrank("k", 0, 0), 1],
  zremrangebyscore: ["ZADD k 1 a 2 b", (r) => r.zremrangebyscore("k", 1, 2), 2],
  zrevrank: ["ZADD k 1 a 2 b", (r) => r.zrevrank("k", "b"), 0],
  zscan: ["ZADD k 1 a", (r) => r.zscan("k", 0, { match: "*", count: 10 }), ["0", ["a", 1]]],
  zscore: ["ZADD k 1.5 a", (r) => r.zscore("k", "a"), 1.5],
  zunion: ["ZADD k 1 a; ZADD l 2 a", (r) => r.zunion(2, ["k", "l"], { withScores: true }), ["a", 3]],
  zunionstore: ["ZADD k 1 a; ZADD l 2 b", (r) => r.zunionstore("d", 2, ["k", "l"]), 2],
};
