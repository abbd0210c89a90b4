import { readFileSync } from "node:fs";
import path from "node:path";
import { decodeTaskMessage } from "@asynqjs/core/wire";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, inject } from "vitest";
import { test } from "../support/redis-test.ts";
import { newProject, type Project } from "./project-test.ts";
import { askWorker } from "./run-example.ts";

const packed = inject("packed");
const specifiers = packed.flatMap(({ manifest }) =>
  Object.keys(manifest.exports ?? {}).map((subpath) => path.posix.join(manifest.name, subpath)),
);

describe("the packed packages, installed by npm into an empty project", { timeout: 120_000 }, () => {
  let project: Project;
  beforeAll(() => {
    project = newProject();
    const { status, stderr } = project.run("npm", "install", ...packed.map(({ manifest }) => manifest.name), "@upstash/redis");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  }, 120_000);
  afterAll(() => project.remove());

  test("can be imported by the system's Node, each by every path it exports", () => {
    expect(specifiers).toContain("@asynqjs/core/wire");
    project.write(
      "imports.test.mjs",
      `import assert from "node:assert/strict";
       import { test } from "node:test";
       for (const specifier of ${JSON.stringify(specifiers)})
         test(specifier, async () => assert.notEqual(Object.keys(await import(specifier)).length, 0));`,
    );

    const { stdout, stderr, status } = project.run("node", "--test", "--test-reporter=tap", "imports.test.mjs");

    expect(stdout + stderr).toContain(`\n# pass ${specifiers.length}\n`);
    expect(status).toBe(0);
  });

  test("can be required by a Node that requires ES modules, each by every path it exports", ({ skip }) => {
    if (project.run("node", "-p", "process.features.require_module").stdout !== "true\n") skip("this Node is older than 20.19");
    project.write(
      "required.cjs",
      specifiers.map((specifier) => `console.log(Object.keys(require("${specifier}")).length > 0);`).join("\n"),
    );

    const { stdout, status } = project.run("node", "required.cjs");

    expect(stdout).toBe("true\n".repeat(specifiers.length));
    expect(status).toBe(0);
  });

  test("bring commands that the system's Node runs", () => {
    const commands = packed.flatMap(({ manifest }) => Object.keys(manifest.bin ?? {}));
    expect(commands.length).toBeGreaterThan(0);
    for (const command of commands) {
      const { stdout, stderr, status } = project.run("npx", command, "--help");
      expect({ command, stderr, status }).toEqual({ command, stderr: "", status: 0 });
      expect(stdout).toContain(command);
    }
  });

  test("bring types that a strict program compiles against", () => {
    const lines = specifiers.map((specifier, i) => `import * as m${i} from "${specifier}"; export const k${i}: object = m${i};`);
    project.write("consumer.ts", lines.join("\n"));
    expect(project.compile({ lib: ["ES2023", "DOM"] }, "consumer.ts")).toBe("");
  });
});

test("client-edge, which has a copy of core in it, works with core's own tasks, ports and errors", async ({ redis, redisUrl }) => {
  const project = newProject();
  expect(project.run("npm", "install", "@asynqjs/client-edge", "@asynqjs/core", "ioredis").status).toBe(0);
  project.write(
    "mixed.mjs",
    `import * as edge from "@asynqjs/client-edge";
     import * as core from "@asynqjs/core";
     import { ioredisPort } from "@asynqjs/core/redis/ioredis";
     import { Redis } from "ioredis";
     const redis = new Redis("${redisUrl}");
     const { clock, random } = { clock: core.systemClock, random: core.systemRandom };
     const client = new edge.Client({ redis: ioredisPort(redis), clock, random });
     const options = { queue: "mixed", headers: { a: "b" } };
     const task = new core.Task("of core", new Uint8Array([0, 255]), { ...options, taskId: "core", uniqueTtlSec: 60 });
     await client.enqueue(task);
     const broker = core.makeBroker({ redis: ioredisPort(redis), clock, random });
     const own = new edge.Task("of the edge", { n: 1 }, { ...options, taskId: "edge" });
     await core.enqueue(broker, [core.composeTask(own, {}, broker)]);
     const thrown = async (work) => { try { await work(); } catch (error) { return error; } };
     await redis.set("asynq:{wrong}:pending", "no list");
     const errors = [
       [await thrown(() => client.enqueue(task, { taskId: "again" })), "DuplicateTaskError"],
       [await thrown(() => client.enqueue(own)), "TaskIdConflictError"],
       [await thrown(() => client.enqueue(own, { queue: "" })), "InvalidOptionError"],
       [await thrown(() => client.enqueue(own, { queue: "wrong", taskId: "x" })), "RedisError"],
     ];
     for (const [error, name] of errors)
       console.log(error.name === name, error instanceof core[name], error instanceof edge[name], error.stack.startsWith(name));
     redis.disconnect();`,
  );

  const { stdout, stderr } = project.run("node", "mixed.mjs");

  expect({ stdout, stderr }).toEqual({ stdout: "true true true true\n".repeat(4), stderr: "" });
  expect(await redis.lrange("asynq:{mixed}:pending", 0, -1)).toEqual(["edge", "core"]);
  const [ofCore, ofEdge] = await Promise.all(
    ["core", "edge"].map(async (id) => decodeTaskMessage((await redis.hgetBuffer(`asynq:{mixed}:t:${id}`, "msg"))!, id)),
  );
  expect(ofCore).toMatchObject({ type: "of core", payload: new Uint8Array([0, 255]), headers: { a: "b" }, retry: 25 });
  expect(ofEdge).toMatchObject({ type: "of the edge", payload: new TextEncoder().encode('{"n":1}'), headers: { a: "b" }, retry: 25 });
  project.remove();
}, 60_000);

test("the packages that need no Node, installed by npm into a wrangler project, are bundled by wrangler and run in workerd", async () => {
  const project = newProject();
  const forEdge = specifiers.filter((specifier) => /core|client-edge|cron-fn/.test(specifier));
  const imports = forEdge.map((specifier, i) => `import * as m${i} from "${specifier}";`);
  const modules = forEdge.map((_, i) => `m${i}`).join(", ");
  expect(project.run("npm", "install", ...packed.map(({ manifest }) => manifest.name)).status).toBe(0);

  const answer = await askWorker(
    project,
    `${imports.join("\n")}
     export default { fetch: () => Response.json([${modules}].map((module) => Object.keys(module).length > 0)) };`,
    {},
  );

  expect(answer).toEqual([200, forEdge.map(() => true)]);
  project.remove();
}, 60_000);

/** Of a package that is a command and nothing else: modules with every library in them, what those are licensed under, and templates. */
function expectProgram(files: readonly string[]): void {
  expect(files).toContain("package/dist/bin.js");
  const others = files.filter((file) => !/^package\/(?:dist\/[-\w]+\.js$|templates\/)/.test(file));
  const docs = ["package/LICENSE", "package/README.md", "package/dist/third-party-licenses.txt", "package/package.json"];
  expect(others).toEqual(docs);
}

describe.each(packed)("the tarball of $manifest.name", { timeout: 60_000 }, ({ manifest, tarball }) => {
  const project = newProject();
  afterAll(() => project.remove());

  test("holds the build with its maps, the licence and the README, and no test, source or build record", () => {
    project.run("tar", "-xzf", tarball);
    const files = project.run("tar", "-tzf", tarball).stdout.trim().split("\n").sort();
    const namesOf = (ending: string): string[] =>
      files.filter((file) => file.endsWith(ending)).map((file) => file.slice(0, -ending.length));
    const modules = namesOf(".js");
    const typed = namesOf(".d.ts");
    if (manifest.exports === undefined) return expectProgram(files);
    expect(modules).toContain("package/dist/index");
    // Those of client-edge are bundles: its files are not the files of its types.
    if (manifest.name !== "@asynqjs/client-edge") expect(typed).toEqual(modules);
    expect(files).toEqual(
      [
        ...["LICENSE", "README.md", "package.json"].map((file) => `package/${file}`),
        ...typed.map((module) => `${module}.d.ts`),
        ...modules.flatMap((module) => [".js", ".js.map"].map((ending) => module + ending)),
      ].sort(),
    );
    expect(modules.filter((module) => /\.(test|bench)$/.test(module))).toEqual([]);
    for (const module of modules) {
      const { sources, sourcesContent } = JSON.parse(readFileSync(path.join(project.dir, `${module}.js.map`), "utf8"));
      expect(sources.length).toBeGreaterThan(0);
      expect(sourcesContent.map((text: string) => text.length > 0)).toEqual(sources.map(() => true));
    }
  });

  test("has nothing that publint finds fault with", async () => {
    const bytes = readFileSync(tarball);
    const { messages, pkg } = await publint({
      pack: { tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer },
      strict: true,
    });
    expect(pkg!.name).toBe(manifest.name);
    expect(messages.map((message) => formatMessage(message, pkg!, { color: false }))).toEqual([]);
  });

  test.skipIf(manifest.exports === undefined)("has types that are right for whoever imports it, says attw", () => {
    const { stdout, stderr, status } = project.runTool("attw", tarball, "--profile", "esm-only", "--format", "table", "--no-emoji");
    expect({ status, output: status === 0 ? "" : stdout + stderr }).toEqual({ status: 0, output: "" });
    expect(stdout.match(/OK \(ESM\)/g)).toHaveLength(Object.keys(manifest.exports!).length);
  });
});
