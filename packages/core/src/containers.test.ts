import { expect, test } from "vitest";
import { queueKeyKinds, stateContainers } from "./containers.ts";

test("what holds tasks is a list or a sorted set, running tasks first", () => {
  expect(Object.entries(stateContainers)).toEqual([
    ["active", "list"],
    ["pending", "list"],
    ["scheduled", "zset"],
    ["retry", "zset"],
    ["archived", "zset"],
    ["completed", "zset"],
    ["js:quarantine", "zset"],
  ]);
  expect(queueKeyKinds).toEqual({ ...stateContainers, lease: "zset", groups: "set", aggregation_sets: "zset", "js:aggregated": "zset" });
});
