import { expect, test } from "vitest";
import { instrument } from "./instrument.ts";
import { isKnown, knownSurvivors } from "./known-survivors.ts";
import { modules, tests } from "./modules.ts";

const { code, mutants } = await instrument();

test("each mutant is the line that it changes, and has its switch in the code", () => {
  const ofLease = mutants.filter(({ file }) => file === "packages/core/src/lease.ts");
  expect(ofLease).toHaveLength(10);
  for (const { id, file, before, after } of ofLease) {
    expect(before).not.toBe(after);
    expect(code[file]).toContain(`stryMutAct_9fa48("${id}")`);
  }
});

test("Lua is left to the mutator of Lua", () => {
  expect(mutants.filter(({ before }) => before.includes("/* lua */"))).toEqual([]);
});

test("what decides is mutated, and not what carries, nor what is generated", () => {
  expect(modules).toContain("packages/core/src/wire/patch-task-message.ts");
  expect(modules.filter((file) => /generated|\.test\.|\/broker|durability/.test(file))).toEqual([]);
  expect(tests).toContain("packages/core/src/failure.test.ts");
  expect(tests.filter((file) => /broker\/settle|slow|workerd/.test(file))).toEqual([]);
});

test("whoever is known to live is there", () => {
  for (const known of knownSurvivors) {
    const { file, before, after } = known;
    expect(mutants.filter((mutant) => mutant.file === file && mutant.before === before && mutant.after === after)).not.toEqual([]);
  }
  expect(mutants.some(isKnown)).toBe(true);
});
