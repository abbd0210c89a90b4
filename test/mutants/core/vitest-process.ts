/**
 * A process that runs core's tests as its job (`ASYNQJS_MUTANTS_JOB`) says. Code that hangs hangs no more than this.
 * @module
 */
import { appendFileSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { BaseSequencer, createVitest, type ProjectConfig, type TestSpecification } from "vitest/node";
import workspace from "../../../vitest.config.ts";
import type { Job, JobEvent } from "./job.ts";
import { root } from "./modules.ts";

const job: Job = JSON.parse(readFileSync(process.env.ASYNQJS_MUTANTS_JOB!, "utf8"));
const code: Readonly<Record<string, string>> = JSON.parse(readFileSync(job.code, "utf8"));

/** Files run in the order in which the job names them. */
class AsNamed extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files;
  }
}

const { projects, ...shared } = workspace.test!;
const { test } = (projects as readonly { readonly test: ProjectConfig }[]).find(({ test }) => test.name === "node")!;
const vitest = await createVitest(
  "test",
  {
    ...(shared as object),
    ...(test as object),
    root,
    config: false,
    watch: false,
    testTimeout: 60_000,
    // The code of a module is another one each time, under the same name.
    fsModuleCache: false,
    include: ["packages/core/src/**/*.test.ts"],
    bail: job.loaded === undefined ? 0 : 1,
    pool: job.loaded === undefined ? "forks" : "threads",
    // The modules of core stay loaded, with all their mutants in them; or are loaded with one.
    isolate: job.loaded !== undefined,
    maxWorkers: 1,
    runner: fileURLToPath(new URL("mutant-runner.ts", import.meta.url)),
    sequence: { sequencer: AsNamed },
    reporters: [{}],
    onConsoleLog: () => false,
    silent: true,
  },
  { plugins: [{ name: "mutants", enforce: "pre", load: (id) => (id.startsWith(root) ? code[id.slice(root.length)] : undefined) }] },
);

const project = vitest.getRootProject();
try {
  if (job.loaded === undefined) {
    vitest.provide("loadedMutant", "");
    await vitest.runTestSpecifications(job.files!.map((file) => project.createSpecification(`${root}${file}`)));
  }
  for (const { mutant, files } of job.loaded ?? []) {
    vitest.provide("loadedMutant", mutant);
    tell({ event: "try", test: "", mutant });
    for (const file of files) {
      const { testModules } = await vitest.runTestSpecifications([project.createSpecification(`${root}${file}`)]);
      const failed = testModules.find((module) => !module.ok());
      if (failed === undefined) continue;
      const why = failed.errors()[0]?.message ?? "a test failed";
      tell({ event: "killed", mutant, by: file, why: why.split("\n")[0]! });
      break;
    }
  }
  tell({ event: "over" });
} finally {
  await vitest.close();
}

function tell(event: JobEvent): void {
  appendFileSync(job.events, `${JSON.stringify(event)}\n`);
}
