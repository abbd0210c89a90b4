import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { test as base, describe, expect } from "vitest";

const bin = fileURLToPath(new URL("../bin.ts", import.meta.url));

const test = base.extend<{ dir: string }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixture's needs from the pattern
  dir: async ({}, use) => {
    const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-init-"));
    await use(dir);
    rmSync(dir, { recursive: true, force: true });
  },
});

function init(
  cwd: string,
  ...args: readonly string[]
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, "init", ...args], { cwd, encoding: "utf8" });
  return { status, stdout, stderr };
}

describe("asynqjs init", () => {
  test.for(["node", "cloudflare", "vercel"])("makes a project of the template %s, by the name of its folder", (template, { dir }) => {
    expect(init(dir, "apps/My App", "--template", template)).toEqual({
      status: 0,
      stdout: "made apps/My App\n\n  cd apps/My App\n  npm install\n  npm run dev\n",
      stderr: "",
    });

    const project = path.join(dir, "apps/My App");
    expect(readdirSync(path.join(dir, "apps"))).toEqual(["My App"]);
    expect(readdirSync(project)).toEqual(expect.arrayContaining([".gitignore", "README.md", "package.json", "src", "tsconfig.json"]));
    expect(JSON.parse(readFileSync(path.join(project, "package.json"), "utf8")).name).toBe("my-app");
    if (template === "cloudflare") expect(readFileSync(path.join(project, "wrangler.jsonc"), "utf8")).toContain('"name": "my-app"');
  });

  test("makes it in the folder that it stands in, beside a repository that was just begun", ({ dir }) => {
    mkdirSync(path.join(dir, ".git"));

    expect(init(dir, ".", "--template", "node")).toMatchObject({ status: 0, stdout: "made .\n\n  npm install\n  npm run dev\n" });

    expect(readdirSync(dir).sort()).toEqual([".git", ".gitignore", "README.md", "package.json", "src", "tsconfig.json"]);
    expect(init(dir, ".", "--template", "node").status).toBe(4);
  });

  test("writes nothing where there is something, where it may not, or where the template is none", ({ dir }) => {
    mkdirSync(path.join(dir, "mine"));
    writeFileSync(path.join(dir, "mine/notes"), "mine");
    writeFileSync(path.join(dir, "file"), "mine too");

    const full = init(dir, "mine", "--template", "node");
    const file = init(dir, "file", "--template", "node");
    const below = init(dir, "file/below", "--template", "node");
    const other = init(dir, "new", "--template", "deno");
    const none = init(dir, "new");

    expect(full).toMatchObject({
      status: 4,
      stderr: expect.stringMatching(/^asynqjs: mine is no empty folder: .*; nothing was written\n$/),
    });
    expect(file).toMatchObject({ status: 4, stderr: expect.stringContaining("file is no empty folder") });
    expect(below).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^asynqjs: file\/below cannot be written \(\w+\); nothing was\n$/),
    });
    expect(other).toMatchObject({ status: 2, stderr: expect.stringMatching(/^asynqjs: .*node, cloudflare, vercel.*\n$/) });
    expect(none).toMatchObject({ status: 2, stderr: expect.stringMatching(/^asynqjs: .*--template.*\n$/) });
    expect(readdirSync(dir).sort()).toEqual(["file", "mine"]);
    expect(readdirSync(path.join(dir, "mine"))).toEqual(["notes"]);
    expect(existsSync(path.join(dir, "new"))).toBe(false);
  });
});
