import { appendFileSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type ProjectConfig, type Reporter, type TestSpecification } from "vitest/node";
import workspace from "../../../vitest.config.ts";
import type { Job, JobEvent } from "./job.ts";

const { project, first, events }: Job = JSON.parse(readFileSync(process.env.ASYNQJS_MUTANTS_JOB!, "utf8"));

/** What kills many in little time comes first. */
class InOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = first.findIndex((part) => moduleId.includes(part));
      return at < 0 ? first.length : at;
    };
    return files.toSorted((a, b) => rank(a) - rank(b) || a.moduleId.localeCompare(b.moduleId));
  }
}

const tell = (event: JobEvent): void => appendFileSync(events, `${JSON.stringify(event)}\n`);
const reporter: Reporter = {
  onTestModuleEnd: (module) => {
    for (const { message } of module.errors()) tell({ event: "unfit", name: module.relativeModuleId, why: message });
  },
  onTestRunEnd: () => tell({ event: "over" }),
};

const { projects, ...shared } = workspace.test!;
const { test } = (projects as readonly { readonly test: ProjectConfig }[]).find(({ test }) => test.name === project)!;

export default defineConfig({
  test: {
    ...shared,
    ...test,
    // The modules of core stay loaded: their scripts are swapped.
    isolate: false,
    maxWorkers: 1,
    runner: fileURLToPath(new URL("mutant-runner.ts", import.meta.url)),
    sequence: { sequencer: InOrder },
    reporters: [reporter],
  },
});
