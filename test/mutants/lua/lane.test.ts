import { expect, test } from "vitest";
import { allMutants } from "./all-mutants.ts";
import { runLane } from "./lane.ts";

test("kills what a test sees, and lets live what means the same", { timeout: 60_000 }, async () => {
  const mutants = allMutants(["extend-leases", "callRecord"]);
  const seen = mutants.find(({ before, after }) => before === 'verdicts[item] = "l"' && after === "")!;
  const same = mutants.find(({ chunk, after }) => chunk === "callRecord" && after.includes('redis.call("GET", call) or "?"'))!;

  const { kills, unfit } = await runLane({ project: "node", first: [], mutants: [seen, same] }, [
    "packages/core/src/broker/extend-leases.test.ts",
  ]);

  const by = expect.stringMatching(/^packages\/core\/src\/broker\/extend-leases\.test\.ts extendLeases > /);
  expect([...kills]).toEqual([[seen.id, { by, why: expect.any(String) }]]);
  expect(unfit).toEqual(new Map());
});
