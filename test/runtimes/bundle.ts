import path from "node:path";
import { build } from "esbuild";

interface BundleOptions {
  /** The project in which the packed packages are installed. */
  readonly installed: string;
  /** The conditions of the runtime's platform, by which packages choose their files. */
  readonly conditions: readonly string[];
  /** `undefined` leaves the packages of ours to the runtime's own loader. */
  readonly format: "esm" | "iife" | undefined;
}

/** A program of this folder as one file, `@asynqjs/*` being what was packed. */
export async function bundle(entry: string, { installed, conditions, format }: BundleOptions): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [path.join(import.meta.dirname, entry)],
    bundle: true,
    write: false,
    target: "es2022",
    format: format ?? "esm",
    platform: format === undefined ? "node" : "neutral",
    mainFields: ["module", "main"],
    conditions: [...conditions],
    external: format === undefined ? ["@asynqjs/*"] : [],
    plugins: [
      {
        name: "packed packages",
        setup: ({ onResolve, resolve }) =>
          onResolve({ filter: /^@asynqjs\// }, ({ path: name, kind, pluginData }) =>
            pluginData === installed || format === undefined
              ? undefined
              : resolve(name, { kind, resolveDir: installed, pluginData: installed }),
          ),
      },
    ],
  });
  return outputFiles[0]!.text;
}
