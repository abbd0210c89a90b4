import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { checkManifests } from "./manifests.ts";

const sound = {
  name: "@asynqjs/one",
  version: "0.1.0",
  description: "One thing.",
  keywords: ["asynq"],
  license: "MIT",
  repository: { type: "git", url: "git+https://example.com/asynqjs.git", directory: "packages/one" },
  engines: { node: ">=20" },
  files: ["dist", "README.md", "LICENSE"],
  sideEffects: false,
  type: "module",
  exports: { ".": "./src/index.ts" },
  bin: { one: "./src/bin.ts" },
  publishConfig: { exports: { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" } }, bin: { one: "./dist/bin.js" } },
  dependencies: { hono: "catalog:", "@asynqjs/core": "workspace:*" },
};

function workspace(manifest: object, catalog = '  hono: 4.13.19\n  "@types/node": 24.19.2\n'): string {
  const root = mkdtempSync(path.join(tmpdir(), "asynqjs-manifests-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const [folder, text] of [
    ["packages/one", JSON.stringify(manifest)],
    ["packages/two", JSON.stringify({ ...sound, name: "@asynqjs/two", repository: { directory: "packages/two" } })],
  ] as const) {
    mkdirSync(path.join(root, folder), { recursive: true });
    writeFileSync(path.join(root, folder, "package.json"), text);
  }
  writeFileSync(
    path.join(root, "pnpm-workspace.yaml"),
    `packages: ["packages/*"]\n\ncatalog:\n${catalog}\nallowBuilds: { esbuild: false }\n`,
  );
  return root;
}

describe("checkManifests", () => {
  test("is content with one version for all and every other from the catalog", () => {
    expect(checkManifests(workspace(sound))).toEqual([]);
  });

  test.for<[what: string, change: object, fault: string]>([
    ["a package of another version", { version: "0.2.0" }, "versions differ"],
    ["a dependency with a version of its own", { dependencies: { hono: "^4" } }, 'hono is "^4", expected "catalog:"'],
    ["a dependency the catalog lacks", { devDependencies: { lodash: "catalog:" } }, "lodash is not in the catalog"],
    ["a sibling by version", { dependencies: { "@asynqjs/core": "0.1.0" } }, 'expected "workspace:*"'],
    ["an export that is not published", { exports: { ...sound.exports, "./more": "./src/more.ts" } }, "publishConfig.exports"],
    ["a bin that is not published", { bin: { one: "./src/other.ts" } }, "publishConfig.bin"],
    ["another licence", { license: "ISC" }, '"license": "MIT"'],
    ["a Node that we do not promise", { engines: { node: ">=22" } }, '"engines": {"node":">=20"}'],
    ["files that are none of a user's", { files: ["dist", "src"] }, '"files"'],
    ["a package no bundler may shake", { sideEffects: undefined }, '"sideEffects": false'],
    ["a package that nobody would find", { keywords: [] }, '"keywords"'],
    ["another package's folder", { repository: { directory: "packages/two" } }, '"repository" with the directory "packages/one"'],
    ["CommonJS", { type: "commonjs" }, '"type": "module"'],
  ])("finds %s", ([, change, fault]) => {
    expect(checkManifests(workspace({ ...sound, ...change }))).toEqual([expect.stringContaining(fault)]);
  });

  test("finds a template that takes another version than is tested here, or is not published", () => {
    const root = workspace(sound);
    mkdirSync(path.join(root, "packages/one/templates/node"), { recursive: true });
    const dependencies = { hono: "^4.0.0", "@asynqjs/core": "^0.1.0", "@types/node": "^24.19.2" };
    writeFileSync(path.join(root, "packages/one/templates/node/package.json"), JSON.stringify({ dependencies }));

    expect(checkManifests(root)).toEqual([
      'packages/one/package.json: expected "files": ["dist","templates","README.md","LICENSE"]',
      'packages/one/templates/node/package.json: hono is "^4.0.0", expected "^4.13.19"',
    ]);
  });

  test("finds a range in the catalog", () => {
    expect(checkManifests(workspace(sound, "  hono: ^4.0.0\n"))).toEqual([
      "pnpm-workspace.yaml: hono is ^4.0.0, expected one exact version",
    ]);
  });
});
