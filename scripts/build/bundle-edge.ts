/**
 * What `@asynqjs/client-edge` is published as: one module for each way in, core's part in it, minified. Every byte of it is in every Worker
 * that enqueues, and what a Worker's own bundler cannot shorten any more is short already.
 *
 * Errors stay core's own: a class of them is the same whoever throws it.
 * @module
 */
import path from "node:path";
import { build, type Plugin, transform } from "esbuild";
import { internalNames } from "./internal-names.ts";
import { leaveUnnamed } from "./leave-unnamed.ts";

/** A file to be written, and its whole path. */
export interface BuiltFile {
  readonly path: string;
  readonly text: string;
}

const errors = "@asynqjs/core/errors";
const target = "es2022";

const sharedErrors: Plugin = {
  name: "errors that core shares",
  setup({ onResolve }) {
    onResolve({ filter: /\/errors\.ts$|^@asynqjs\/core\/errors$/ }, ({ importer }) =>
      // The index passes all of core on, errors too: asked for by name, they are not among what is left of it.
      /core\/src\/index\.ts$/.test(importer) ? undefined : { path: errors, external: true, sideEffects: false },
    );
  },
};

interface Part {
  readonly entryPoints: string[];
  /** The module of what its ways in share. */
  readonly chunkNames: string;
  /** Shortens what only our own code reads, and leaves functions without a name. */
  readonly short: boolean;
}

const parts: readonly Part[] = [
  { entryPoints: ["src/index.ts", "src/upstash.ts"], chunkNames: "shared", short: true },
  // Apart, so that nothing of them is in a Worker that only enqueues; by whole names, since some of ours are in the JSON of an endpoint.
  { entryPoints: ["src/hono.ts", "src/sign.ts"], chunkNames: "signature", short: false },
];

/** The modules and source maps of the package in this folder, for its `dist`. Writes nothing. */
export async function bundleEdge(folder: string): Promise<BuiltFile[]> {
  return (await Promise.all(parts.map((part) => bundlePart(folder, part)))).flat();
}

async function bundlePart(folder: string, { short, ...part }: Part): Promise<BuiltFile[]> {
  const { outputFiles } = await build({
    ...part,
    ...(short ? { mangleProps: new RegExp(`^(${internalNames.join("|")})$`) } : {}),
    absWorkingDir: folder,
    outdir: "dist",
    bundle: true,
    minifySyntax: true,
    splitting: true,
    format: "esm",
    platform: "neutral",
    target,
    sourcemap: "inline",
    plugins: [sharedErrors],
    write: false,
    logLevel: "warning",
  });
  const built = outputFiles.map(async (file) => {
    const name = path.basename(file.path);
    const { code, map } = await transform(short ? leaveUnnamed(file.text) : file.text, {
      sourcefile: name,
      sourcemap: "external",
      // Not its syntax once more: that would give functions their names again.
      minifyIdentifiers: true,
      minifyWhitespace: true,
      format: "esm",
      target,
    });
    return [
      { path: file.path, text: `${code}//# sourceMappingURL=${name}.map\n` },
      { path: `${file.path}.map`, text: map },
    ];
  });
  return (await Promise.all(built)).flat();
}
