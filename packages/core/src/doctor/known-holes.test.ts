import { expect, test } from "vitest";
import { knownHole } from "./known-holes.ts";

test.each([
  ["redis", "7.4.11", undefined],
  ["redis", "7.4.10", { fixed: "7.4.11", runsCode: false }],
  ["redis", "7.4.5", { fixed: "7.4.11", runsCode: true }],
  ["redis", "8.10.2", undefined],
  ["redis", "8.10.1", { fixed: "8.10.2", runsCode: false }],
  ["redis", "8.0.6", { ended: true }],
  ["redis", "7.0.15", { ended: true }],
  ["redis", "8.11.0", undefined],
  ["redis", "9.0.0", undefined],
  ["valkey", "8.1.9", undefined],
  ["valkey", "8.0.5", { fixed: "8.0.10", runsCode: true }],
  ["valkey", "9.0.4", { fixed: "9.0.5", runsCode: false }],
  ["valkey", "9.2.0", undefined],
  ["redis", "", undefined],
  ["redis", "255.255.255", undefined],
] as const)("of %s %s it is known: %j", (product, version, hole) => {
  expect(knownHole(product, version)).toEqual(hole);
});
