import { afterAll, describe, expect } from "vitest";
import { test } from "../support/gateway-test.ts";
import { examples as ofCli } from "./examples/cli.ts";
import { examples as ofEdge } from "./examples/edge.ts";
import { examples as ofTools } from "./examples/tools.ts";
import { examples as ofWorkers } from "./examples/workers.ts";
import { newProject, type Project } from "./project-test.ts";
import { readBlocks } from "./readme-blocks.ts";

const examples = { ...ofCli, ...ofEdge, ...ofWorkers, ...ofTools };

/** Blocks that are not run here, and why. */
const elsewhere: Readonly<Record<string, string>> = {
  "README.md: See it work": "commands of the workspace, which .ci/run runs",
  "README.md: Begin": "templates.test.ts does it, with tools that no registry has here",
  "packages/cli/README.md: A project to begin with": "templates.test.ts does it, with tools that no registry has here",
  "packages/cli/README.md: On the whole screen: `asynqjs dash`": "dash.slow.test.ts of the CLI does it, in a terminal",
  "packages/cli/README.md: Developing: `asynqjs dev`": "commands/dev.test.ts of the CLI does it, and ends it",
};

describe("what the READMEs tell to run, in a project with the packed packages", { timeout: 120_000 }, () => {
  const blocks = readBlocks();
  const projects = new Map<string, Project>();
  afterAll(() => {
    for (const project of projects.values()) project.remove();
  });

  for (const block of blocks.filter(({ name }) => elsewhere[name] === undefined)) {
    test(`${block.name} (${block.language})`, async ({ redis, redisUrl, gatewayUrl, skip }) => {
      const example = examples[block.name];
      expect(example, "a block of a README is run by no example of test/pack/examples and excused by no reason").toBeDefined();
      const project = projects.get(block.file) ?? newProject();
      projects.set(block.file, project);

      await example!(block, { project, redis, redisUrl, gatewayUrl, skip });
    });
  }

  test("no example is for a block that is gone", () => {
    const names = blocks.map(({ name }) => name);
    for (const name of [...Object.keys(examples), ...Object.keys(elsewhere)]) expect(names).toContain(name);
  });
});
