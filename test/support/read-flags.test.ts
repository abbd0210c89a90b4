import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

/** Runs a command of this workspace with flags that it cannot use. */
function refused(main: string, ...flags: string[]): Promise<readonly [code: number | string | null | undefined, said: string]> {
  const file = fileURLToPath(new URL(`../${main}`, import.meta.url));
  return new Promise((resolve) => {
    execFile(process.execPath, [file, ...flags], (error, _, stderr) => resolve([error?.code, stderr.trim()]));
  });
}

test("a flag that says no number, or a name that there is not, ends a command with 2 and says what was expected", {
  timeout: 60_000,
}, async () => {
  const said = await Promise.all([
    refused("fuzz/main.ts", "--inputs", "many"),
    refused("fuzz/main.ts", "--only", "mesages"),
    refused("model/main.ts", "--processes", "0"),
  ]);

  expect(said).toEqual([
    [2, 'fuzz: --inputs: expected a number from 1, not "many"'],
    [2, 'fuzz: there is no target "mesages"; there are: messages, replies, answers, gateway'],
    [2, 'model: --processes: expected a number from 1, not "0"'],
  ]);
});

test("a flag that there is not ends a command with 2, and it names those that there are", { timeout: 60_000 }, async () => {
  const [code, said] = await refused("model/main.ts", "--help");

  expect(code).toBe(2);
  expect(said).toContain("There are: --steps, --seconds, --seed, --path, --processes");
  expect(said.split("\n")).toHaveLength(1);
});
