import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test as cliTest, describe, expect } from "../../test/cli-test.ts";

const test = cliTest.extend<{ fileOf: (name: string, text: string) => string }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixture's needs from the pattern
  fileOf: async ({}, use) => {
    const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-apply-"));
    await use((name, text) => {
      writeFileSync(path.join(dir, name), text);
      return path.join(dir, name);
    });
    rmSync(dir, { recursive: true });
  },
});

const entry = (id: string, spec = "@daily") => ({ id, spec, type: `${id}:run` });

describe("cron apply", () => {
  test("makes the entries of an owner those of a file, a module or JSON, and leaves those of others alone", async ({ cli, fileOf }) => {
    await cli("cron", "add", "theirs", "--spec=@daily", "-t", "theirs:run");
    const module = fileOf("cron.ts", `export default ${JSON.stringify([entry("a"), entry("b")])} satisfies { id: string }[];`);
    const json = fileOf("cron.json", JSON.stringify([entry("b", "@hourly"), entry("c"), entry("theirs")]));

    expect(await cli("cron", "apply", module, "--owner=us")).toEqual({ code: 0, out: `${module}: 2 entries; added a, b\n`, err: "" });
    expect(await cli("cron", "apply", module, "--owner=us")).toEqual({ code: 0, out: `${module}: 2 entries\n`, err: "" });
    expect(await cli("cron", "apply", json, "--owner=us")).toEqual({
      code: 0,
      out: `${json}: 3 entries; added c; edited b; removed a; left alone, since another owner has theirs\n`,
      err: "",
    });

    const entries: readonly { id: string; spec: string; owner?: string }[] = JSON.parse((await cli("cron", "ls", "--json")).out);
    expect(entries.map(({ id, spec }) => [id, spec]).sort()).toEqual([
      ["b", "@hourly"],
      ["c", "@daily"],
      ["theirs", "@daily"],
    ]);
  });

  test.for([
    ["is not there", undefined, /there is no such file/],
    ["cannot be read", "export default [", /SyntaxError/],
    ["throws", 'throw new Error("no database")', /Error: no database/],
    ["exports no list", "export default {}", /expected a list of cron entries as the default export/],
    ["has a spec that is none", 'export default [{ id: "a", spec: "never", type: "a:run" }]', /never/],
  ] as const)("changes nothing where the file %s, and says so in one line", async ([, text, why], { cli, redis, fileOf }) => {
    const file = text === undefined ? "/nonexistent/cron.ts" : fileOf("cron.ts", text);

    const { code, out, err } = await cli("cron", "apply", file, "--owner=us");

    expect({ code: code > 0, out }).toEqual({ code: true, out: "" });
    expect(err).toMatch(why);
    expect(err.trim().split("\n")).toHaveLength(1);
    expect(await redis.exists("asynq:js:cron")).toBe(0);
  });
});
