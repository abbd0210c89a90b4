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

/** The modules and source maps of the package in this folder, for its `dist`. Writes nothing. */
export async function bundleEdge(folder: string): Promise<BuiltFile[]> {
  const { outputFiles } = await build({
    absWorkingDir: folder,
    entryPoints: ["src/index.ts", "src/upstash.ts"],
    outdir: "dist",
    bundle: true,
    minifySyntax: true,
    splitting: true,
    chunkNames: "shared",
    format: "esm",
    platform: "neutral",
    target,
    mangleProps: new RegExp(`^(${internalNames.join("|")})$`),
    sourcemap: "inline",
    plugins: [sharedErrors],
    write: false,
    logLevel: "warning",
  });
  const built = outputFiles.map(async (file) => {
    const name = path.basename(file.path);
    const { code, map } = await transform(leaveUnnamed(file.text), {
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
