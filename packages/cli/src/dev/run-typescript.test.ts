import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { nodeArgsFor } from "./run-typescript.ts";

function project(): string {
  const dir = realpathSync(mkdtempSync(path.join(tmpdir(), "asynqjs-tsx-")));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  return dir;
}

describe("nodeArgsFor", () => {
  test("says nothing where Node runs the file by itself", () => {
    const dir = project();
    expect(nodeArgsFor(path.join(dir, "worker.js"), dir, false)).toEqual([]);
    expect(nodeArgsFor(path.join(dir, "worker.ts"), dir, true)).toEqual([]);
  });

  test("loads the project's own tsx on a Node that runs no TypeScript", () => {
    const dir = project();
    const tsx = path.join(dir, "node_modules/tsx");
    mkdirSync(tsx, { recursive: true });
    writeFileSync(path.join(tsx, "package.json"), JSON.stringify({ name: "tsx", exports: { ".": "./loader.mjs" } }));
    writeFileSync(path.join(tsx, "loader.mjs"), "");

    expect(nodeArgsFor(path.join(dir, "src/worker.mts"), dir, false)).toEqual([
      "--import",
      pathToFileURL(path.join(tsx, "loader.mjs")).href,
    ]);
  });

  test("says what to do where there is none, and of which file", () => {
    const dir = project();
    expect(() => nodeArgsFor(path.join(dir, "src/worker.ts"), dir, false)).toThrow(
      /^src\/worker\.ts: Node [\d.]+ runs no TypeScript: take Node 22\.18 or newer, or npm install --save-dev tsx$/,
    );
  });
});
