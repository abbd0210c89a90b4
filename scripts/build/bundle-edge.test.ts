import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { bundleEdge } from "./bundle-edge.ts";
import { internalNames } from "./internal-names.ts";

const folder = fileURLToPath(new URL("../../packages/client-edge", import.meta.url));
const files = await bundleEdge(folder);
const textOf = (name: string): string => files.find((file) => file.path === path.join(folder, "dist", name))!.text;

test("bundleEdge makes a module for each way in and one for what two share, each with its map", () => {
  const names = ["hono.js", "index.js", "shared.js", "sign.js", "signature.js", "upstash.js"];
  expect(files.map((file) => path.basename(file.path)).sort()).toEqual(names.flatMap((name) => [name, `${name}.map`]));
  for (const name of names) {
    expect(textOf(name)).toMatch(new RegExp(`\n//# sourceMappingURL=${name}\\.map\n$`));
    const { sources, sourcesContent } = JSON.parse(textOf(`${name}.map`));
    expect(sourcesContent).toHaveLength(sources.length);
    // What only passes on what the others have has no source but itself.
    const ours = /^\.\.\/(src|\.\.\/core\/src)\/.*\.ts$/;
    if (name !== "index.js") expect(sources.filter((source: string) => !ours.test(source))).toEqual([]);
  }
});

test("bundleEdge takes nothing from another package but core's errors, and shortens every internal name", () => {
  const text = ["index.js", "shared.js", "upstash.js"].map(textOf).join("");
  const imported = [...text.matchAll(/from\s*"([^"]*)"/g)].map(([, from]) => from);
  expect(new Set(imported)).toEqual(new Set(["@asynqjs/core/errors", "./shared.js"]));
  const code = text.replaceAll("redis.call(", "");
  for (const name of internalNames) expect(code).not.toMatch(new RegExp(`\\.${name}\\b`));
});

test("what an endpoint and its callers need is apart, names nothing short, and takes nothing of hono", () => {
  const [endpoint, sign, signature] = ["hono.js", "sign.js", "signature.js"].map(textOf);
  const imported = [endpoint, sign, signature].flatMap((text) => [...text!.matchAll(/from\s*"([^"]*)"/g)].map(([, from]) => from));
  expect(new Set(imported)).toEqual(new Set(["@asynqjs/core/errors", "./signature.js"]));
  expect(endpoint).toContain("verdict:");
  expect(["index.js", "shared.js", "upstash.js"].map(textOf).join("")).not.toContain("Asynqjs-");
});

test("a bundler that keeps names finds none to keep, and leaves out what nobody uses", async () => {
  const bundle = async (line: string): Promise<string> => {
    const { outputFiles } = await build({
      stdin: { contents: line },
      bundle: true,
      keepNames: true,
      minify: true,
      format: "esm",
      write: false,
      plugins: [
        {
          name: "what was built",
          setup({ onResolve, onLoad }) {
            onResolve({ filter: /errors$/ }, ({ path: name }) => ({ path: name, external: true, sideEffects: false }));
            onResolve({ filter: /\.js$/ }, ({ path: name }) => ({ path: path.basename(name), namespace: "built", sideEffects: false }));
            onLoad({ filter: /.*/, namespace: "built" }, ({ path: name }) => ({ contents: textOf(name) }));
          },
        },
      ],
    });
    return outputFiles[0]!.text;
  };

  const whole = await bundle('export { Client, Task } from "./index.js";');
  expect(whole).toContain("EVALSHA");
  expect(whole).not.toContain('"name"');
  expect(whole).not.toContain("~standard");
  expect(await bundle('export { withMiddleware } from "./index.js";')).not.toContain("EVALSHA");
});
