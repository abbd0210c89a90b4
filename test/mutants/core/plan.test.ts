import { expect, test } from "vitest";
import type { Mutant } from "./instrument.ts";
import { planLoads, planTests, sharesOf, type TestSeen } from "./plan.ts";

const mutant = (id: string, file = "src/a.ts"): Mutant => ({ id, file, line: 1, mutator: "m", before: "b", after: "c" });
const seen = (file: string, ms: number, isQuick: boolean, ...reached: string[]): TestSeen => ({
  file,
  ms,
  isQuick,
  reached: new Set(reached),
});

test("the shortest of the long tests that reach a mutant are asked, as many as time allows", () => {
  const tests = new Map([
    ["quick", seen("src/a.test.ts", 1, true, "1")],
    ["long", seen("src/b.test.ts", 3_000, false, "1")],
    ["shorter", seen("src/a.test.ts", 2_000, false, "1", "2")],
    ["longest", seen("src/c.test.ts", 4_000, false, "1")],
    ["too long", seen("src/d.test.ts", 6_000, false, "3")],
  ]);

  expect(planTests([mutant("1"), mutant("2"), mutant("3")], tests, 2)).toEqual([
    { plan: { shorter: ["1", "2"], long: ["1"] }, files: ["src/a.test.ts"] },
    { plan: { shorter: ["1", "2"], long: ["1"] }, files: ["src/b.test.ts"] },
  ]);
  expect(planTests([mutant("3")], tests, 2)).toEqual([]);
});

test("who is passed by as modules load is loaded for its own tests, and for those that reach most of its module in little time", () => {
  const tests = new Map([
    ["own", seen("src/a.test.ts", 9_000, true)],
    ["most", seen("src/b.test.ts", 10, true, "1", "2")],
    ["some", seen("src/c.test.ts", 10, true, "1")],
    ["slow", seen("src/d.test.ts", 9_000, true, "1", "2")],
    ["none", seen("src/e.test.ts", 10, true)],
  ]);
  const all = [mutant("1"), mutant("2"), mutant("3"), mutant("4", "src/x.ts")];

  expect(planLoads(all, [all[2]!, all[3]!], new Set(["3", "4"]), tests, 1)).toEqual([
    {
      loaded: [
        { mutant: "3", files: ["src/a.test.ts", "src/b.test.ts", "src/c.test.ts"] },
        { mutant: "4", files: [] },
      ],
    },
  ]);
  expect(planLoads(all, [all[0]!], new Set(["3"]), tests, 1)).toEqual([]);
});

test("things are shared out in turn, and no share is empty", () => {
  expect(sharesOf([1, 2, 3], 2)).toEqual([[1, 3], [2]]);
  expect(sharesOf([1], 2)).toEqual([[1]]);
});
