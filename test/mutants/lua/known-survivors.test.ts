import { expect, test } from "vitest";
import { allMutants } from "./all-mutants.ts";
import { isOf, knownSurvivors } from "./known-survivors.ts";

test("whoever is known to mean the same is a mutant that there is, and a single one", () => {
  const mutants = allMutants();

  const counts = knownSurvivors.map((known) => mutants.filter((mutant) => isOf(mutant, known)).length);

  expect(counts).toEqual(knownSurvivors.map(() => 1));
});
