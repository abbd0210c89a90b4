/**
 * `npm run build`: each package's `src` to JavaScript and types in its `dist`, file by file, ready to be packed; of client-edge, whose every
 * byte is in every Worker that enqueues, the types alone, and its JavaScript as bundles; and the heartbeat thread of worker-node, with all
 * that it imports, as a string; of the CLI one program, every library in it.
 * @module
 */
import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { bundleCli } from "./build/bundle-cli.ts";
import { bundleEdge } from "./build/bundle-edge.ts";
import { bundleThread } from "./build/bundle-thread.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const projects = globSync("packages/*/tsconfig.build.json", { cwd: root }).sort();
const packages = projects.map((project) => path.join(root, path.dirname(project)));

for (const dir of packages) rmSync(path.join(dir, "dist"), { recursive: true, force: true });
const { status } = spawnSync("tsc", ["-b", "--force", ...projects], { cwd: root, stdio: "inherit" });
for (const dir of packages) rmSync(path.join(dir, "dist/.tsbuildinfo"), { force: true });
if (status === 0) {
  for (const file of await bundleEdge(path.join(root, "packages/client-edge"))) writeFileSync(file.path, file.text);
  const worker = path.join(root, "packages/worker-node");
  const code = await bundleThread(path.join(worker, "src/heartbeat-thread.ts"));
  writeFileSync(path.join(worker, "dist/thread-source.js"), code);
  for (const file of globSync("dist/heartbeat-thread.*", { cwd: worker })) rmSync(path.join(worker, file));
  const cli = path.join(root, "packages/cli");
  rmSync(path.join(cli, "dist"), { recursive: true, force: true });
  mkdirSync(path.join(cli, "dist"));
  for (const file of await bundleCli(cli)) writeFileSync(file.path, file.text);
  console.log(`built ${[...packages, cli].map((dir) => path.basename(dir)).join(", ")}`);
}
process.exitCode = status ?? 1;
