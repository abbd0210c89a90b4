/**
 * What `@asynqjs/cli` is published as: modules with every library in them, so that it installs as one package and starts without reading
 * hundreds of files. What a command alone needs is a module of its own, read when that command runs.
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import type { BuiltFile } from "./bundle-edge.ts";

/** What the program needs of core to start is its clock: by core's index it would load all that index leads to, once a command loads that. */
const clockAlone: Plugin = {
  name: "of core the clock alone",
  setup({ onResolve }) {
    onResolve({ filter: /^@asynqjs\/core$/ }, ({ importer }) =>
      /cli\/src\/bin\.ts$/.test(importer)
        ? { path: fileURLToPath(new URL("../../packages/core/src/clock.ts", import.meta.url)) }
        : undefined,
    );
  },
};

/**
 * Ink asks the environment variable DEV whether it is to look for React's developer tools, which are none of ours: as published it is not
 * asked, and what would reach for them is left out.
 */
const inkWithoutDevtools: Plugin = {
  name: "ink without devtools",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]ink[\\/]build[\\/]utils\.js$/ }, () => ({ contents: "export const isDev = () => false;" }));
    onLoad({ filter: /[\\/]ink[\\/]build[\\/]devtools\.js$/ }, () => ({ contents: "" }));
  },
};

/** The modules of the package in this folder, for its `dist`. Writes nothing. */
export async function bundleCli(folder: string): Promise<BuiltFile[]> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: folder,
    entryPoints: ["src/bin.ts"],
    outdir: path.join(folder, "dist"),
    bundle: true,
    splitting: true,
    plugins: [clockAlone, inkWithoutDevtools],
    minify: true,
    keepNames: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "node20",
    // Said in one file for all of them.
    legalComments: "none",
    metafile: true,
    // Libraries written for `require` ask for Node's own modules by it.
    banner: { js: 'import{createRequire as $require}from"node:module";const require=$require(import.meta.url);' },
    define: { "process.env.NODE_ENV": '"production"' },
  });
  const licenses = licensesOf(Object.keys(metafile.inputs).map((file) => path.resolve(folder, file)));
  return [
    ...outputFiles.map(({ path: file, text }) => ({ path: file, text })),
    { path: path.join(folder, "dist/third-party-licenses.txt"), text: licenses },
  ];
}

/** Under what each library is bundled, in its own words. @throws {Error} one that does not say */
function licensesOf(files: readonly string[]): string {
  const folders = new Set(files.flatMap((file) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0] ?? []));
  const texts = [...folders].map((dir) => {
    const { name, version, license } = JSON.parse(readFileSync(path.join(dir, "package.json"), "utf8"));
    const file = readdirSync(dir).find((entry) => /^licen[cs]e(?:\.\w+)?$/i.test(entry));
    if (file === undefined && license === undefined) throw new Error(`${name} says no licence under which it could be bundled`);
    const words = file === undefined ? "" : `\n\n${readFileSync(path.join(dir, file), "utf8").trim()}`;
    return `${name} ${version}: ${license}${words}\n`;
  });
  return texts.sort().join(`\n${"-".repeat(80)}\n\n`);
}
