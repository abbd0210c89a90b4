import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test as base } from "vitest";
import { describe, expect, type Ran, runCli } from "../../test/cli-test.ts";

const test = base.extend<{ dir: string; init: (...args: readonly string[]) => Promise<Ran> }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixture's needs from the pattern
  dir: async ({}, use) => {
    const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-init-"));
    await use(dir);
    rmSync(dir, { recursive: true, force: true });
  },
  init: async ({ dir }, use) => {
    const before = process.cwd();
    process.chdir(dir);
    await use((...args) => runCli(["init", ...args]));
    process.chdir(before);
  },
});

describe("asynqjs init", () => {
  test.for(["node", "cloudflare", "vercel"])(
    "makes a project of the template %s, by the name of its folder",
    async (template, { dir, init }) => {
      expect(await init("apps/My App", "--template", template)).toEqual({
        code: 0,
        out: "made apps/My App\n\n  cd 'apps/My App'\n  npm install\n  npm run dev\n",
        err: "",
      });

      const project = path.join(dir, "apps/My App");
      expect(readdirSync(path.join(dir, "apps"))).toEqual(["My App"]);
      expect(readdirSync(project)).toEqual(expect.arrayContaining([".gitignore", "README.md", "package.json", "src", "tsconfig.json"]));
      expect(JSON.parse(readFileSync(path.join(project, "package.json"), "utf8")).name).toBe("my-app");
      if (template === "cloudflare") expect(readFileSync(path.join(project, "wrangler.jsonc"), "utf8")).toContain('"name": "my-app"');
    },
  );

  test("makes it in the folder that it stands in, beside a repository that was just begun", async ({ dir, init }) => {
    mkdirSync(path.join(dir, ".git"));

    expect(await init(".", "--template", "node")).toMatchObject({ code: 0, out: "made .\n\n  npm install\n  npm run dev\n" });

    expect(readdirSync(dir).sort()).toEqual([".git", ".gitignore", "README.md", "package.json", "src", "tsconfig.json"]);
    expect((await init(".", "--template", "node")).code).toBe(4);
  });

  test("writes nothing where there is something, where it may not, or where the template is none", async ({ dir, init }) => {
    mkdirSync(path.join(dir, "mine"));
    writeFileSync(path.join(dir, "mine/notes"), "mine");
    writeFileSync(path.join(dir, "file"), "mine too");

    const full = await init("mine", "--template", "node");
    const file = await init("file", "--template", "node");
    const below = await init("file/below", "--template", "node");
    const other = await init("new", "--template", "deno");
    const none = await init("new");
    const unnamed = await init("", "--template", "node");

    expect(full).toMatchObject({
      code: 4,
      err: expect.stringMatching(/^asynqjs: mine is no empty folder: .*; nothing was written\n$/),
    });
    expect(file).toMatchObject({ code: 4, err: expect.stringContaining("file is no empty folder") });
    expect(below).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^asynqjs: file\/below cannot be written \(\w+\); nothing was\n$/),
    });
    expect(other).toMatchObject({ code: 2, err: expect.stringMatching(/^asynqjs: .*node, cloudflare, vercel.*\n$/) });
    expect(unnamed).toMatchObject({ code: 2, err: "asynqjs: the folder has no name: say '.' for this one\n" });
    expect(none).toMatchObject({ code: 2, err: expect.stringMatching(/^asynqjs: .*--template.*\n$/) });
    expect(readdirSync(dir).sort()).toEqual(["file", "mine"]);
    expect(readdirSync(path.join(dir, "mine"))).toEqual(["notes"]);
    expect(existsSync(path.join(dir, "new"))).toBe(false);
  });
});
