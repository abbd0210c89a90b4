import { expect } from "vitest";
import type { Cases } from "./case.ts";

const twoEntries = "XADD k 1-0 a x; XADD k 2-0 a y";
const oneRead = `${twoEntries}; XGROUP CREATE k g 0; XREADGROUP GROUP g c COUNT 1 STREAMS k >`;

export const streamCases: Cases = {
  xack: [oneRead, (r) => r.xack("k", "g", "1-0"), 1],
  xadd: ["", (r) => r.xadd("k", "5-1", { a: "x" }), "5-1"],
  xautoclaim: [oneRead, (r) => r.xautoclaim("k", "g", "d", 0, "0", { count: 1 }), ["0-0", [["1-0", ["a", "x"]]], []]],
  xclaim: [oneRead, (r) => r.xclaim("k", "g", "d", 0, "1-0"), [["1-0", ["a", "x"]]]],
  xdel: [twoEntries, (r) => r.xdel("k", ["1-0", "9-0"]), 1],
  xgroup: [twoEntries, (r) => r.xgroup("k", { type: "CREATE", group: "g", id: "$" }), "OK"],
  xinfo: [oneRead, (r) => r.xinfo("k", { type: "GROUPS" }), expect.toSatisfy((groups) => groups.length === 1 && groups[0].includes("g"))],
  xlen: [twoEntries, (r) => r.xlen("k"), 2],
  xpending: [oneRead, (r) => r.xpending("k", "g", "-", "+", 10), [["1-0", "c", expect.any(Number), 1]]],
  xrange: [twoEntries, (r) => r.xrange("k", "-", "+", 1), { "1-0": { a: "x" } }],
  xread: [twoEntries, (r) => r.xread("k", "1-0"), [["k", [["2-0", ["a", "y"]]]]]],
  xreadgroup: [oneRead, (r) => r.xreadgroup("g", "c", "k", ">"), [["k", [["2-0", ["a", "y"]]]]]],
  xrevrange: [twoEntries, (r) => r.xrevrange("k", "+", "-", 1), { "2-0": { a: "y" } }],
  xtrim: [twoEntries, (r) => r.xtrim("k", { strategy: "MAXLEN", threshold: 1, exactness: "=" }), 1],
};

const sicily = "GEOADD k 13.361389 38.115556 Palermo 15.087269 37.502669 Catania";
const fromCenter = { type: "FROMLONLAT", coordinate: { lon: 15, lat: 37 } } as const;
const within = { type: "BYRADIUS", radius: 100, radiusType: "KM" } as const;

export const placeCases: Cases = {
  geoadd: ["", (r) => r.geoadd("k", { longitude: 13.361389, latitude: 38.115556, member: "Palermo" }), 1],
  geodist: [sicily, (r) => r.geodist("k", "Palermo", "Catania", "KM"), 166.2742],
  geohash: [sicily, (r) => r.geohash("k", "Palermo"), ["sqc8b49rny0"]],
  geopos: [sicily, (r) => r.geopos("k", "Palermo"), [{ lng: expect.closeTo(13.361, 2), lat: expect.closeTo(38.115, 2) }]],
  geosearch: [sicily, (r) => r.geosearch("k", fromCenter, within, "ASC"), [{ member: "Catania" }]],
  geosearchstore: [sicily, (r) => r.geosearchstore("d", "k", fromCenter, within, "ASC"), 1],
};
