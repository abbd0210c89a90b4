/**
 * What `@asynqjs/cli` is published as: modules with every library in them, so that it installs as one package and starts without reading
 * hundreds of files. What a command alone needs is a module of its own, read when that command runs.
 * @module
 */
import path from "node:path";
import { build } from "esbuild";
import type { BuiltFile } from "./bundle-edge.ts";

/** The modules of the package in this folder, for its `dist`. Writes nothing. */
export async function bundleCli(folder: string): Promise<BuiltFile[]> {
  const { outputFiles } = await build({
    absWorkingDir: folder,
    entryPoints: ["src/bin.ts"],
    outdir: path.join(folder, "dist"),
    bundle: true,
    splitting: true,
    minify: true,
    keepNames: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "node20",
    legalComments: "linked",
    // Libraries written for `require` ask for Node's own modules by it.
    banner: { js: 'import{createRequire as $require}from"node:module";const require=$require(import.meta.url);' },
    define: { "process.env.NODE_ENV": '"production"' },
  });
  return outputFiles.map(({ path: file, text }) => ({ path: file, text }));
}
