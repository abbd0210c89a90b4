import { expect } from "vitest";
import type { Cases } from "./case.ts";

const farSec = 4_000_000_000;

export const stringCases: Cases = {
  append: ["SET k a", (r) => r.append("k", "b"), 2],
  decr: ["SET k 5", (r) => r.decr("k"), 4],
  decrby: ["SET k 5", (r) => r.decrby("k", 3), 2],
  get: ['SET k {"a":1}', (r) => r.get("k"), { a: 1 }],
  getdel: ["SET k a", (r) => r.getdel("k"), "a"],
  getex: ["SET k a", (r) => r.getex("k", { ex: 10 }), "a"],
  getrange: ["SET k abcdef", (r) => r.getrange("k", 1, 3), "bcd"],
  getset: ["SET k a", (r) => r.getset("k", "b"), "a"],
  incr: ["SET k 5", (r) => r.incr("k"), 6],
  incrby: ["SET k 5", (r) => r.incrby("k", 10), 15],
  incrbyfloat: ["SET k 5", (r) => r.incrbyfloat("k", 0.5), 5.5],
  mget: ["SET k a; SET l b", (r) => r.mget("k", "none", "l"), ["a", null, "b"]],
  mset: ["", (r) => r.mset({ k: "a", l: { b: 1 } }), "OK"],
  msetnx: ["SET k a", (r) => r.msetnx({ k: "b", l: "c" }), 0],
  psetex: ["", (r) => r.psetex("k", 10_000, "a"), "OK"],
  set: ["SET k a", (r) => r.set("k", "b", { ex: 10, get: true, xx: true }), "a"],
  setex: ["", (r) => r.setex("k", 10, "a"), "OK"],
  setnx: ["SET k a", (r) => r.setnx("k", "b"), 0],
  setrange: ["SET k abc", (r) => r.setrange("k", 1, "xy"), 3],
  strlen: ["SET k grüße", (r) => r.strlen("k"), 7],
  bitcount: ["SET k a", (r) => r.bitcount("k", 0, 0), 3],
  bitop: ["SET k a; SET l c", (r) => r.bitop("and", "d", "k", "l"), 1],
  bitpos: ["SET k a", (r) => r.bitpos("k", 1), 1],
  getbit: ["SET k a", (r) => r.getbit("k", 7), 1],
  setbit: ["SET k a", (r) => r.setbit("k", 7, 0), 1],
  pfadd: ["", (r) => r.pfadd("k", "a", "b"), 1],
  pfcount: ["PFADD k a b; PFADD l b c", (r) => r.pfcount("k", "l"), 3],
  pfmerge: ["PFADD k a b; PFADD l b c", (r) => r.pfmerge("d", "k", "l"), "OK"],
};

export const keyCases: Cases = {
  copy: ["SET k a", (r) => r.copy("k", "l", { replace: true }), "COPIED"],
  dbsize: ["SET k a; SET l b", (r) => r.dbsize(), 2],
  del: ["SET k a; SET l b", (r) => r.del("k", "l", "none"), 2],
  exists: ["SET k a", (r) => r.exists("k", "none"), 1],
  expire: ["SET k a", (r) => r.expire("k", 10, "NX"), 1],
  expireat: ["SET k a", (r) => r.expireat("k", farSec), 1],
  flushall: ["SET k a", (r) => r.flushall(), "OK"],
  flushdb: ["SET k a", (r) => r.flushdb({ async: true }), "OK"],
  keys: ["SET k1 a; SET k2 b; SET l c", (r) => r.keys("k*"), expect.toSatisfy((keys) => [...keys].sort().join() === "k1,k2")],
  persist: ["SETEX k 10 a", (r) => r.persist("k"), 1],
  pexpire: ["SET k a", (r) => r.pexpire("k", 10_000), 1],
  pexpireat: ["SET k a", (r) => r.pexpireat("k", farSec * 1000), 1],
  pttl: ["PSETEX k 100000 a", (r) => r.pttl("k"), expect.toSatisfy((ms) => ms > 0 && ms <= 100_000)],
  randomkey: ["SET k a", (r) => r.randomkey(), "k"],
  rename: ["SET k a", (r) => r.rename("k", "l"), "OK"],
  renamenx: ["SET k a; SET l b", (r) => r.renamenx("k", "l"), 0],
  scan: ["SET k a; SET l b", (r) => r.scan(0, { match: "k*", count: 100, type: "string" }), ["0", ["k"]]],
  touch: ["SET k a", (r) => r.touch("k", "none"), 1],
  ttl: ["SETEX k 100 a", (r) => r.ttl("k"), 100],
  type: ["LPUSH k a", (r) => r.type("k"), "list"],
  unlink: ["SET k a", (r) => r.unlink("k"), 1],
};

const sha = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";
const library =
  "#!lua name=mylib\nredis.register_function{function_name='myfn', callback=function(k, a) return a[1] end, flags={'no-writes'}}";
const withLibrary = [["FUNCTION", "LOAD", "REPLACE", library]];

export const serverCases: Cases = {
  echo: ["", (r) => r.echo("a"), "a"],
  ping: ["", (r) => r.ping(), "PONG"],
  time: ["", (r) => r.time(), [expect.any(Number), expect.any(Number)]],
  publish: ["", (r) => r.publish("nobody-listens", "a"), 0],
  exec: ["SET k a", (r) => (r.exec as (command: string[]) => unknown)(["GETRANGE", "k", "0", "0"]), "a"],
  eval: ["SET k a", (r) => r.eval("return {redis.call('GET', KEYS[1]), ARGV[1]}", ["k"], ["b"]), ["a", "b"]],
  evalRo: ["SET k a", (r) => r.evalRo("return redis.call('GET', KEYS[1])", ["k"], []), "a"],
  evalsha: ["SCRIPT LOAD return(1)", (r) => r.evalsha("930269f31393d0be681588b6ab08dccee7d6bb67", [], []), 1],
  evalshaRo: ["SCRIPT LOAD return(1)", (r) => r.evalshaRo("930269f31393d0be681588b6ab08dccee7d6bb67", [], []), 1],
  scriptExists: ["", (r) => r.scriptExists("0".repeat(40)), [0]],
  scriptFlush: ["SCRIPT LOAD return(1)", (r) => r.scriptFlush({ sync: true }), "OK"],
  scriptLoad: ["", (r) => r.scriptLoad("return 1"), sha],
  "functions.call": [withLibrary, (r) => r.functions.call("myfn", ["k"], ["v"]), "v"],
  "functions.callRo": [withLibrary, (r) => r.functions.callRo("myfn", ["k"], ["v"]), "v"],
  "functions.delete": [withLibrary, (r) => r.functions.delete("mylib"), "OK"],
  "functions.load": ["", (r) => r.functions.load({ code: library, replace: true }), "mylib"],
  "functions.list": [withLibrary, (r) => r.functions.list(), [expect.objectContaining({ libraryName: "mylib" })]],
  "functions.stats": ["FUNCTION FLUSH", (r) => r.functions.stats(), expect.toSatisfy((stats) => JSON.stringify(stats).includes("engines"))],
  "functions.flush": ["", (r) => r.functions.flush(), "OK"],
};
