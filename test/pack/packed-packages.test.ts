import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { installPacked, type PackedPackage } from "./packed-packages.ts";

// The Node that npm was started with: the packages promise to run on 20, which runs none of our tools.
const systemNode = process.env.ASYNQJS_SYSTEM_NODE ?? process.execPath;
const nodeTypes = fileURLToPath(new URL("../../node_modules/@types", import.meta.url));

describe("the packed packages", { timeout: 120_000 }, () => {
  const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-pack-"));
  let packages: PackedPackage[] = [];
  let specifiers: string[] = [];
  beforeAll(() => {
    packages = installPacked(dir);
    specifiers = packages.flatMap(({ name, exports }) => Object.keys(exports).map((subpath) => path.posix.join(name, subpath)));
  }, 120_000);
  afterAll(() => rmSync(dir, { recursive: true }));

  test("can be imported by the system's Node, each by every path it exports", () => {
    expect(specifiers).toContain("@asynqjs/core/wire");
    writeFileSync(
      path.join(dir, "imports.test.mjs"),
      `import assert from "node:assert/strict";
       import { test } from "node:test";
       for (const specifier of ${JSON.stringify(specifiers)})
         test(specifier, async () => assert.notEqual(Object.keys(await import(specifier)).length, 0));`,
    );

    const { stdout, stderr, status } = spawnSync(systemNode, ["--test", "--test-reporter=tap", "imports.test.mjs"], {
      cwd: dir,
      encoding: "utf8",
    });

    expect(stdout + stderr).toContain(`\n# pass ${specifiers.length}\n`);
    expect(status).toBe(0);
  });

  test("bring commands that the system's Node runs", () => {
    const commands = packages.flatMap(({ name, bin = {} }) => Object.values(bin).map((file) => path.join(dir, "node_modules", name, file)));
    expect(commands.length).toBeGreaterThan(0);
    for (const command of commands) {
      const { stdout, stderr, status } = spawnSync(systemNode, [command, "--help"], { encoding: "utf8" });
      expect({ command, stderr, status }).toEqual({ command, stderr: "", status: 0 });
      expect(stdout).toMatch(/asynqjs-/);
    }
  });

  test("bring types that a strict program compiles against", () => {
    const lines = specifiers.map((specifier, i) => `import * as m${i} from "${specifier}"; export const k${i}: object = m${i};`);
    writeFileSync(path.join(dir, "consumer.ts"), lines.join("\n"));
    const options = {
      module: "NodeNext",
      target: "ES2023",
      lib: ["ES2023", "DOM"],
      strict: true,
      noEmit: true,
      types: ["node"],
      typeRoots: [nodeTypes],
    };
    writeFileSync(
      path.join(dir, "tsconfig.json"),
      JSON.stringify({ compilerOptions: { ...options, skipLibCheck: false }, files: ["consumer.ts"] }),
    );

    const { stdout, status } = spawnSync("tsc", ["-p", dir], { encoding: "utf8" });

    expect(stdout).toBe("");
    expect(status).toBe(0);
  });

  test("hold the build, the licence and the README, and no test, source or build record", () => {
    for (const { name } of packages) {
      const files = globSync("**/*", { cwd: path.join(dir, "node_modules", name), exclude: ["node_modules"] });
      expect(files).toEqual(expect.arrayContaining(["LICENSE", "README.md", "package.json", path.join("dist", "index.js")]));
      expect(files.filter((file) => /\.test\.|^src|tsbuildinfo/.test(file))).toEqual([]);
      expect(existsSync(path.join(dir, "node_modules", name, "dist", ".tsbuildinfo"))).toBe(false);
    }
  });
});
