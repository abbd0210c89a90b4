/** `npm run check`: every part runs, each tells in one line how it went and how long it took; exit 1 if one found fault. */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { budgets } from "./budgets.ts";
import { checkBundleSizes } from "./check/bundle-sizes.ts";
import { checkDocLinks } from "./check/doc-links.ts";
import { checkImports } from "./check/imports.ts";
import { installEdge } from "./check/install-edge.ts";
import { checkManifests } from "./check/manifests.ts";

interface Findings {
  readonly faults: readonly string[];
  readonly notes?: readonly string[];
}

const root = fileURLToPath(new URL("..", import.meta.url));

const colors = process.stdout.isTTY ? { FORCE_COLOR: "1" } : { NO_COLOR: "1" };

/** A command whose output is its faults when it does not end with 0. */
async function command(name: string, ...args: readonly string[]): Promise<Findings> {
  const child = spawn(name, args, {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...colors },
  });
  const ended = new Promise<number | null>((resolve, reject) => child.once("close", resolve).once("error", reject));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { faults: code === 0 ? [] : [`${out}${err}`.trim() || `${name} ended with ${code}`] };
}

const parts: Readonly<Record<string, () => Findings | Promise<Findings>>> = {
  "format and lint": () => command("biome", "check", "--error-on-warnings"),
  ...Object.fromEntries(
    ["tsconfig.tests.json", ...globSync("packages/*/tsconfig.json", { cwd: root }).sort()].map((project) => [
      `types of ${project.replace(/\/tsconfig\.json$|^tsconfig\.|\.json$/g, "")}`,
      () => command("tsc", "-p", project),
    ]),
  ),
  "import direction and cycles": () => ({ faults: checkImports(root) }),
  manifests: () => ({ faults: checkManifests(root) }),
  "unused code": () => command("knip", "--no-progress"),
  "links in documents": () => ({ faults: checkDocLinks(root) }),
  "bundle budgets": () => checkBundleSizes(root, budgets, (dir) => installEdge(root, dir)),
};

let failed = 0;
for (const [name, run] of Object.entries(parts)) {
  const startMs = performance.now();
  const { faults, notes = [] } = await Promise.resolve()
    .then(run)
    .catch((error: unknown) => ({ faults: [String(error)], notes: [] }));
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(`${faults.length === 0 ? "ok  " : "FAIL"} ${name} (${seconds} s)${notes.length > 0 ? `: ${notes.join(", ")}` : ""}`);
  for (const fault of faults) console.log(fault.replace(/^/gm, "     "));
  if (faults.length > 0) failed++;
}
console.log(failed === 0 ? "all parts are in order" : `${failed} of ${Object.keys(parts).length} parts found fault`);
process.exitCode = failed === 0 ? 0 : 1;
