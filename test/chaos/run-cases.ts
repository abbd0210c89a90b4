import { spawn } from "node:child_process";
import { createWriteStream, existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type MatrixRow, testPattern } from "./matrix.ts";
import { type ChaosSettings, settingsVariable } from "./settings.ts";

type Shown = MatrixRow["shown"][number];

const config = fileURLToPath(new URL("vitest.config.ts", import.meta.url));

/** What vitest's JSON report says of a test. */
interface ToldTest {
  readonly title: string;
  readonly status: "passed" | "failed" | "pending" | "skipped" | "todo";
  readonly duration?: number;
}

/** What measures how long Redis is held runs when nothing else does. */
const alone = "**/*.alone.chaos.ts";

/** Runs the cases that are named, all where none is, and prints a line for each with its figures; answers how many failed. */
export async function runCases(settings: ChaosSettings, cases: readonly Shown[]): Promise<number> {
  const goes = cases.length > 0 ? [chosen(cases)] : [["--exclude", alone], [".alone."]];
  let failed = 0;
  for (const [nth, args] of goes.entries()) failed += await runOnce(settings, args, `vitest-${nth}`);
  return failed;
}

async function runOnce(settings: ChaosSettings, cases: readonly string[], name: string): Promise<number> {
  const report = path.join(settings.dir, `${name}.json`);
  const args = ["run", "--config", config, ...cases, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const env = { ...process.env, [settingsVariable]: JSON.stringify(settings) };
  const code = await run("vitest", args, env, path.join(settings.dir, `${name}.log`));
  const tests = readTests(report);
  const figures = readFigures(path.join(settings.dir, "figures.jsonl"));
  for (const { title, status, duration = 0 } of tests) {
    if (status !== "passed" && status !== "failed") continue;
    const seen = figures.filter((one) => one.case === title).map((one) => ` ${JSON.stringify(one.figures)}`);
    console.log(`chaos: ${status} in ${(duration / 1000).toFixed(1)} s: ${title}${seen.join("")}`);
  }
  const failed = tests.filter(({ status }) => status === "failed").length;
  return code === 0 ? failed : Math.max(1, failed);
}

/** Runs the tests of other suites that show a row; answers how many runs failed. */
export async function runCovering(tests: readonly Shown[]): Promise<number> {
  const interop = tests.filter(({ file }) => file.endsWith(".interop.ts"));
  const others = tests.filter((test) => !interop.includes(test));
  let failed = 0;
  if (others.length > 0 && (await run("vitest", ["run", "--project", "node", "--project", "slow", ...chosen(others)], process.env)) !== 0)
    failed++;
  const suites = fileURLToPath(new URL("../interop/main.ts", import.meta.url));
  if (interop.length > 0 && (await run(process.execPath, [suites, ...chosen(interop)], process.env)) !== 0) failed++;
  return failed;
}

function chosen(tests: readonly Shown[]): string[] {
  const files = [...new Set(tests.map(({ file }) => file))];
  const names = tests.flatMap((test) => test.names);
  // A file that is named without any test is meant as a whole.
  return tests.some((test) => test.names.length === 0) ? files : [...files, ...(names.length === 0 ? [] : ["-t", testPattern(names)])];
}

/** Runs a command with its output shown, and kept in `log`. */
async function run(name: string, args: readonly string[], env: NodeJS.ProcessEnv, log?: string): Promise<number> {
  const child = spawn(name, args, { stdio: ["ignore", "pipe", "pipe"], env });
  const kept = log === undefined ? undefined : createWriteStream(log);
  for (const [from, to] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ] as const) {
    from.on("data", (bytes: Buffer) => {
      to.write(bytes);
      kept?.write(bytes);
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => child.once("close", resolve).once("error", reject));
  await new Promise<void>((resolve) => (kept === undefined ? resolve() : kept.end(resolve)));
  return code ?? 1;
}

function readTests(report: string): ToldTest[] {
  if (!existsSync(report)) return [];
  const { testResults } = JSON.parse(readFileSync(report, "utf8")) as { testResults: { assertionResults: ToldTest[] }[] };
  return testResults.flatMap(({ assertionResults }) => assertionResults);
}

function readFigures(file: string): { readonly case: string; readonly figures: unknown }[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}
