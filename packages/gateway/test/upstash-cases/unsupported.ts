import type { Redis } from "@upstash/redis";

/** A call that Redis or the gateway refuses, and how. */
export type Unsupported = readonly [call: (redis: Redis) => Promise<unknown>, refusal: RegExp];

/** The rows of the README "not supported, because", by method. A command that is not there is Redis' to refuse: another Redis may have it. */
const unknown = /ERR unknown command/;
const each = (names: readonly string[], call: (redis: Redis, name: string) => unknown): Record<string, Unsupported> =>
  Object.fromEntries(names.map((name) => [name, [async (redis) => call(redis, name), unknown]]));

/** Calls a method by its name with arguments of any kind: the command is refused before Redis looks at them. */
const anyway = (owner: unknown, name: string, ...args: unknown[]): unknown =>
  (owner as Record<string, (...args: unknown[]) => unknown>)[name.split(".").at(-1)!]!(...args);

const hashFields = ["hexpire", "hexpireat", "hexpiretime", "httl", "hpexpire", "hpexpireat", "hpexpiretime", "hpttl", "hpersist"];
const arrays = ["arcount", "ardel", "ardelrange", "arget", "argetrange", "arinfo", "arinsert", "arlastitems", "arlen", "armget", "arnext"];
const moreArrays = ["arring", "arscan", "arseek", "arset"];
const json = [
  ...["arrappend", "arrindex", "arrinsert", "arrlen", "arrpop", "arrtrim", "clear", "del", "forget", "get", "merge", "mget", "numincrby"],
  ...["nummultby", "objkeys", "objlen", "resp", "set", "strappend", "strlen", "toggle", "type"],
];

export const unsupported: Readonly<Record<string, Unsupported>> = {
  ...each(hashFields, (r, name) => anyway(r, name, "k", ["f"], 1)),
  hgetdel: [(r) => r.hgetdel("k", "f"), unknown],
  hgetex: [(r) => r.hgetex("k", { ex: 1 }, "f"), unknown],
  hsetex: [(r) => r.hsetex("k", { expiration: { ex: 1 } }, { f: "v" }), unknown],
  xackdel: [(r) => r.xackdel("k", "g", "KEEPREF", "1-0"), unknown],
  xdelex: [(r) => r.xdelex("k", "KEEPREF", "1-0"), unknown],
  ...each([...arrays, ...moreArrays], (r, name) => anyway(r, name, "k", 0, 1)),
  arop: [async (r) => anyway(r, "arop", "k", 0, 1, { match: "a" }), unknown],
  argrep: [(r) => r.argrep("k", 0, 1, { predicates: [{ exact: "a" }] }), unknown],
  armset: [(r) => r.armset("k", { 0: "a" }), unknown],
  clientSetinfo: [(r) => r.clientSetinfo("LIB-NAME", "a"), /ERR Command "CLIENT" is not allowed in REST/],
  ...each(
    json.map((name) => `json.${name}`),
    (r, name) => anyway(r.json, name, "k", "$", 1, 2),
  ),
  "json.mset": [(r) => r.json.mset({ key: "k", path: "$", value: 1 }), unknown],
  "search.createIndex": [async (r) => anyway(r.search, "createIndex", { name: "i", dataType: "hash", prefix: "p", schema: {} }), unknown],
  "search.index": [async (r) => r.search.index({ name: "i" }).describe(), unknown],
  ...each(["search.alias.add", "search.alias.delete", "search.alias.list"], (r, name) =>
    anyway(r.search.alias, name, { indexName: "i", alias: "a" }),
  ),
  ...each(
    [
      "SearchIndex.addAlias",
      "SearchIndex.waitIndexing",
      "SearchIndex.aggregate",
      "SearchIndex.count",
      "SearchIndex.describe",
      "SearchIndex.drop",
      "SearchIndex.query",
    ],
    (r, name) => anyway(r.search.index({ name: "i" }), name, { filter: {}, aggregations: {} }),
  ),
  "vector.createIndex": [(r) => r.vector.createIndex({ name: "i", dimension: 1, metric: "COSINE" }), unknown],
  "vector.index": [(r) => r.vector.index("i").count(), unknown],
  ...each(
    ["VectorIndex.add", "VectorIndex.count", "VectorIndex.delete", "VectorIndex.drop", "VectorIndex.get", "VectorIndex.info"],
    (r, name) => anyway(r.vector.index("i"), name, "id", [1]),
  ),
  "VectorIndex.query": [async (r) => anyway(r.vector.index("i"), "query", { vector: [1], topK: 1 }), unknown],
};
