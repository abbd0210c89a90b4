import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { type ChaosSettings, settingsVariable } from "./settings.ts";

const chaos = JSON.parse(process.env[settingsVariable] ?? "null") as ChaosSettings | null;
if (chaos === null) throw new Error("run these cases by npm run chaos: it says where their logs go and what is planted");

/** Those that take long begin first. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const longest = ["history", "soak", "redis-crash"];
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = longest.findIndex((name) => moduleId.includes(`/${name}.`));
      return at === -1 ? longest.length : at;
    };
    return [...files].sort((a, b) => rank(a) - rank(b) || (a.moduleId < b.moduleId ? -1 : 1));
  }
}

export default defineConfig({
  test: {
    root: fileURLToPath(new URL("../..", import.meta.url)),
    include: ["test/chaos/*.chaos.ts"],
    pool: "forks",
    // More than processors: most of the time they wait, for leases to end, for processes to start, for Redis to be back.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    testTimeout: chaos.ci ? 300_000 : 900_000,
    expect: { poll: { timeout: 60_000, interval: 50 } },
    provide: { chaos },
  },
});
