// Waits for processes of vitest, which run the tests of two modules with their mutants.
import { expect, test } from "vitest";
import { instrument } from "./instrument.ts";
import { killAll } from "./kill-all.ts";

const { code, mutants } = await instrument();
const core = "packages/core/src";

test("tests kill the mutants of what they show, those of what is done while a module loads too, and reach no others", async () => {
  const chosen = mutants.filter(({ file }) => [`${core}/lease.ts`, `${core}/containers.ts`, `${core}/limits.ts`].includes(file));
  const said: string[] = [];

  const { kills, unreached, unfit } = await killAll(code, chosen, [`${core}/lease.test.ts`, `${core}/containers.test.ts`], 2, (line) =>
    said.push(line),
  );

  const killed = (file: string) => chosen.filter((mutant) => mutant.file === `${core}/${file}` && kills.has(mutant.id)).length;
  expect([killed("lease.ts"), killed("containers.ts"), killed("limits.ts")]).toEqual([10, 5, 0]);
  expect([...unreached].sort()).toEqual(
    chosen
      .filter(({ file }) => file === `${core}/limits.ts`)
      .map(({ id }) => id)
      .sort(),
  );
  expect(unfit.size).toBe(0);
  expect(said).toEqual([
    expect.stringMatching(/^quick tests killed \d+ of \d+ mutants$/),
    expect.stringContaining("long tests"),
    expect.stringContaining("tests that load them anew killed 5 of "),
  ]);
});
