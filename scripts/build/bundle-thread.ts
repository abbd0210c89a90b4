import { build } from "esbuild";

/** The module that answers a thread's code as what `new Worker` runs: one CommonJS text, for it has no file beside it to import. */
export async function bundleThread(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: "node",
    format: "cjs",
    target: "node20",
    minify: true,
  });
  return `export function threadSource() {\n  return { entry: ${JSON.stringify(outputFiles[0]!.text)}, eval: true };\n}\n`;
}
