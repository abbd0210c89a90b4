import { describe, expect, test } from "vitest";
import { parseOptions } from "./options.ts";

describe("the options of npm run chaos", () => {
  test("are the whole matrix, 100,000 tasks and ten minutes of soak, or a short set of all", () => {
    const whole = { only: undefined, seed: undefined, tasks: 100_000, minutes: 10, soak: false, ci: false, list: false };

    expect(parseOptions([])).toEqual(whole);
    expect(parseOptions(["--ci"])).toEqual({ ...whole, ci: true, tasks: 10_000, minutes: 1 });
    expect(parseOptions(["--soak", "--minutes", "3"])).toEqual({ ...whole, soak: true, minutes: 3 });
  });

  test("name rows as the matrix has them, and numbers", () => {
    expect(parseOptions(["--only", "F12, f2,3", "--seed", "0", "--tasks", "7"])).toMatchObject({
      only: ["F12", "F2", "F3"],
      seed: 0,
      tasks: 7,
    });
  });

  test.for([["--only", "all"], ["--seed", "x"], ["--tasks", "0"], ["--minutes", "1.5"], ["--fast"], ["F12"]])(
    "%j is refused with how it is written",
    (args) => {
      expect(() => parseOptions(args)).toThrow("npm run chaos -- [--list]");
    },
  );
});
