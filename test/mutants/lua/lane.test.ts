import { expect, test } from "vitest";
import { allMutants } from "./all-mutants.ts";
import { runLane } from "./lane.ts";

test("kills what a test sees, and lets live what means the same", { timeout: 60_000 }, async () => {
  const mutants = allMutants(["extend-leases", "callRecord"]);
  const seen = mutants.find(({ before, after }) => before === 'verdicts[item] = "l"' && after === "")!;
  const same = mutants.find(({ chunk, after }) => chunk === "callRecord" && after.includes('"GETRANGE", call, 0, 17'))!;

  const { kills, unfit } = await runLane({ project: "node", first: [], mutants: [seen, same] }, [
    "packages/core/src/broker/extend-leases.test.ts",
  ]);

  const by = expect.stringMatching(/^packages\/core\/src\/broker\/extend-leases\.test\.ts extendLeases > /);
  expect([...kills]).toEqual([[seen.id, { by, why: expect.any(String) }]]);
  expect(unfit).toEqual(new Map());
});

test("asks a mutant's own tests first, and then the others", { timeout: 60_000 }, async () => {
  const mutants = ["containers", "callRecord"].map((chunk, id) => ({ id, chunk, start: 0, end: 0, text: "error('broken') " }));
  const own = { containers: ["broker/extend-leases.test.ts"] };
  const files = ["packages/core/src/broker/dequeue.test.ts", "packages/core/src/broker/extend-leases.test.ts"];

  const { kills } = await runLane({ project: "node", first: files, own, mutants }, files);

  expect([...kills].map(([id, { by }]) => [id, by.split(" ")[0]])).toEqual([
    [0, files[1]],
    [1, files[0]],
  ]);
});
