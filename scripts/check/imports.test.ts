import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { checkImports } from "./imports.ts";

/** A workspace of these files, in which every package depends on core and ioredis, and on commander only while it is made. */
function workspace(files: Record<string, string>): string {
  const root = mkdtempSync(path.join(tmpdir(), "asynqjs-imports-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const put = (file: string, text: string): void => {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  };
  for (const [file, text] of Object.entries(files)) {
    put(file, text);
    const [folder] = /^packages\/[^/]+/.exec(file) ?? [];
    if (folder)
      put(
        `${folder}/package.json`,
        JSON.stringify({
          dependencies: { "@asynqjs/core": "workspace:*" },
          peerDependencies: { ioredis: "6" },
          devDependencies: { commander: "14" },
        }),
      );
  }
  return root;
}

describe("checkImports", () => {
  test("is content when arrows point down", () => {
    const root = workspace({
      "packages/core/src/errors.ts": "export const e = 1;",
      "packages/core/src/broker/enqueue.ts": 'export { e } from "../errors.ts";',
      "packages/core/src/broker/enqueue.test.ts": 'import "../../../../test/support/redis-test.ts"; import "../index.ts";',
      "packages/worker-node/src/server.ts": 'import "@asynqjs/core"; import "node:os"; import "ioredis";',
      "packages/cli/src/bin.ts": 'import "commander";',
      "test/story.test.ts": 'import "@asynqjs/worker-node"; import "./support/redis-test.ts"; import "../packages/cli/test/cli-test.ts";',
    });

    expect(checkImports(root)).toEqual([]);
  });

  test.for<[what: string, file: string, source: string, fault: string]>([
    ["a sibling package", "packages/worker-node/src/a.ts", 'import "@asynqjs/client-edge";', "worker-node may import only: core"],
    ["a sibling's file", "packages/worker-node/src/a.ts", 'import "../../core/src/errors.ts";', "which lies outside of its package"],
    ["a package by its path", "test/a.test.ts", 'import "../packages/core/src/errors.ts";', "a package is imported by its name"],
    ["a command by its path", "test/a.test.ts", 'import "../packages/cli/src/program.ts";', "a package is imported by its name"],
    ["test support from source", "packages/core/src/keys.ts", 'import "../../../test/support/a.ts";', "which lies outside of its package"],
    ["a test", "packages/worker-node/src/a.ts", 'import "./b.test.ts";', "a test is imported by nobody"],
    ["what it has only while it is made", "packages/worker-node/src/a.ts", 'import "commander";', "which is not among its dependencies"],
    ["what is not bundled with it", "packages/cli/src/a.ts", 'import "ioredis";', "not among the devDependencies that are bundled"],
    ["what it does not depend on", "packages/worker-node/src/a.ts", 'import "hono/tiny";', "which is not among its dependencies"],
    ["a higher row of core", "packages/core/src/keys.ts", 'export * from "./broker/enqueue.ts";', "which lies above it"],
    ["a higher row of core, types only", "packages/core/src/keys.ts", 'import type { A } from "./script.ts";', "which lies above it"],
    ["a higher row of core, later", "packages/core/src/keys.ts", 'await import("./script.ts");', "which lies above it"],
    ["something from an unplaced file of core", "packages/core/src/new.ts", 'import "./errors.ts";', "has no place in coreRows"],
    ["something in an unplaced package", "packages/new/src/a.ts", 'import "@asynqjs/core";', "has no line in scripts/check/directions.ts"],
  ])("refuses to import %s", ([, file, source, fault]) => {
    expect(checkImports(workspace({ [file]: source }))).toEqual([expect.stringContaining(fault)]);
  });

  test("finds a cycle, but lets types refer to each other", () => {
    const cyclic = { "packages/gateway/src/a.ts": 'import { b } from "./b.ts";', "packages/gateway/src/b.ts": 'export * from "./a.ts";' };
    const typed = { ...cyclic, "packages/gateway/src/b.ts": 'import type { A } from "./a.ts";' };

    expect(checkImports(workspace(cyclic))).toEqual([
      "cycle: packages/gateway/src/a.ts -> packages/gateway/src/b.ts -> packages/gateway/src/a.ts",
    ]);
    expect(checkImports(workspace(typed))).toEqual([]);
  });
});
