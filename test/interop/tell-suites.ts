import path from "node:path";
import type { Reporter, TestModule } from "vitest/node";
import type { BuiltPrograms, GoProgram } from "./go-programs.ts";

/** Prints, per suite and Go program, `ran`, `failed`, or `skipped:` and why. */
export class TellSuites implements Reporter {
  readonly #programs: BuiltPrograms;

  constructor(programs: BuiltPrograms) {
    this.#programs = programs;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    for (const module of [...modules].sort((a, b) => (a.moduleId < b.moduleId ? -1 : 1))) {
      const name = path.basename(module.moduleId, ".interop.ts");
      if (module.state() === "failed" && module.children.size === 0) console.log(`interop: ${name}: failed`);
      for (const suite of module.children.suites()) {
        const program = this.#programs[suite.name as GoProgram];
        const count = [...suite.children.allTests()].length;
        const told = "missing" in program ? `skipped: ${program.missing}` : suite.state() === "failed" ? "failed" : `ran (${count} tests)`;
        console.log(`interop: ${name} on ${suite.name}: ${told}`);
      }
    }
  }
}
