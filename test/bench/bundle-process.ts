import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { bundleThread } from "../../scripts/build/bundle-thread.ts";

const from = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/**
 * The bench's process as JavaScript, our packages in it as they are published, and the peers beside it as they are: to read TypeScript costs a
 * process a compiler's memory. Answers its file.
 */
export async function bundleProcess(): Promise<string> {
  const thread = await bundleThread(from("../../packages/worker-node/src/heartbeat-thread.ts"));
  const file = from("node_modules/.bench/process.mjs");
  const { outputFiles } = await build({
    entryPoints: [from("process.ts")],
    bundle: true,
    splitting: true,
    write: false,
    outdir: path.dirname(file),
    outExtension: { ".js": ".mjs" },
    platform: "node",
    format: "esm",
    target: "node20",
    loader: { ".lua": "text" },
    external: ["bee-queue", "bullmq", "groupmq", "ioredis"],
    plugins: [
      {
        name: "the thread as the build has it",
        setup: ({ onLoad }) => onLoad({ filter: /worker-node\/src\/thread-source\.ts$/ }, () => ({ contents: thread, loader: "ts" })),
      },
    ],
  });
  mkdirSync(path.dirname(file), { recursive: true });
  for (const { path: to, text } of outputFiles) writeFileSync(to, text);
  return file;
}
