import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../.tools/runtimes/", import.meta.url));
const { platform, arch } = process;

/** Node's npm packages for arm64 Macs are few; those that there are run the same. */
const nodeVersions = platform === "darwin" && arch === "arm64" ? ["24.0.0", "26.10.0"] : ["24.21.0", "26.10.0"];

/** What is fetched, by the name of its folder: each comes as a binary, with no install script to run. */
const packages: Readonly<Record<string, string>> = {
  node24: `npm:node-${platform}-${arch}@${nodeVersions[0]}`,
  node26: `npm:node-${platform}-${arch}@${nodeVersions[1]}`,
  deno: `npm:@deno/${platform}-${arch}${platform === "linux" ? "-glibc" : ""}@2.9.6`,
  bun: `npm:@oven/bun-${platform}-${arch === "arm64" ? "aarch64" : arch}@1.4.5`,
  "edge-runtime": "npm:edge-runtime@4.0.1",
};

/** Fetches the runtimes that are not there yet, once; a runtime that cannot be fetched is missing, and says why. */
export function fetchRuntimes(): Readonly<Record<string, string>> {
  mkdirSync(folder, { recursive: true });
  const missing: Record<string, string> = {};
  for (const [name, spec] of Object.entries(packages)) {
    const dir = path.join(folder, name);
    const stamp = path.join(dir, "stamp");
    if (existsSync(stamp) && readFileSync(stamp, "utf8") === spec) continue;
    mkdirSync(dir, { recursive: true });
    writeFileSync(path.join(dir, "package.json"), '{ "private": true }');
    const quiet = ["--ignore-scripts", "--no-save", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];
    const { status, stderr, error } = spawnSync("npm", ["install", ...quiet, `${name}@${spec}`], { cwd: dir, encoding: "utf8" });
    if (status === 0) writeFileSync(stamp, spec);
    else missing[name] = `npm cannot fetch ${spec.slice(4)}: ${(error?.message ?? stderr).trim().split("\n")[0]}`;
  }
  return missing;
}

/** A file of a fetched package. */
export function runtimeFile(name: string, ...file: readonly string[]): string {
  return path.join(folder, name, "node_modules", name, ...file);
}
