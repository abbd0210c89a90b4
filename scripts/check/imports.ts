import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { bundledPackages, coreRows, packageDirections } from "./directions.ts";
import { findCycles } from "./find-cycles.ts";
import { readImports } from "./read-imports.ts";

/** What a file may be: source of a package, or one of the places that may import every package. */
interface Place {
  /** The folder of the package below `packages/`; absent outside. */
  readonly package?: string;
  readonly isTest: boolean;
}

/** Says of every import below `root` that points the wrong way, and of every cycle, one line. */
export function checkImports(root: string): string[] {
  const faults: string[] = [];
  const graph = new Map<string, string[]>();
  for (const file of globSync(["packages/*/src/**/*.ts", "test/**/*.ts", "demo/**/*.ts", "scripts/**/*.ts"], {
    cwd: root,
    exclude: ["**/node_modules/**", "**/dist/**"],
  }).sort()) {
    const runtime: string[] = [];
    for (const { from, typeOnly } of readImports(path.join(root, file))) {
      const target = from.startsWith(".") ? path.join(path.dirname(file), from) : undefined;
      const fault = target === undefined ? faultOfBareImport(root, file, from) : faultOfRelativeImport(file, target);
      if (fault !== undefined) faults.push(`${file}: imports ${from}, ${fault}`);
      if (target !== undefined && !typeOnly) runtime.push(target);
    }
    graph.set(file, runtime);
  }
  for (const cycle of findCycles(graph)) faults.push(`cycle: ${cycle.join(" -> ")}`);
  return faults;
}

function placeOf(file: string): Place {
  const [, folder] = /^packages\/([^/]+)\//.exec(file) ?? [];
  const isTest = /\.test\.ts$/.test(file);
  return folder === undefined ? { isTest } : { package: folder, isTest };
}

function faultOfRelativeImport(file: string, target: string): string | undefined {
  const here = placeOf(file);
  const there = placeOf(target);
  if (there.isTest) return "and a test is imported by nobody";
  // A package that is only a command has no name to be imported by: what runs it is what its tests share.
  const runsCommand = bundledPackages.some((name) => target.startsWith(`packages/${name}/test/`));
  if (here.package === undefined) return there.package === undefined || runsCommand ? undefined : "but a package is imported by its name";
  if (there.package === here.package) return here.package === "core" && !here.isTest ? faultInCore(file, target) : undefined;
  return here.isTest && target.startsWith("test/support/") ? undefined : "which lies outside of its package";
}

function faultOfBareImport(root: string, file: string, from: string): string | undefined {
  const here = placeOf(file);
  if (here.package === undefined || from.startsWith("node:") || from.startsWith("cloudflare:")) return undefined;
  const allowed = packageDirections[here.package];
  if (allowed === undefined) return `but packages/${here.package} has no line in scripts/check/directions.ts`;
  const sibling = /^@asynqjs\/([^/]+)/.exec(from)?.[1];
  if (sibling !== undefined && sibling !== here.package && !allowed.includes(sibling))
    return `but ${here.package} may import only: ${allowed.join(", ") || "no other package"}`;
  if (here.isTest || sibling === here.package) return undefined;
  const name = from.split("/", from.startsWith("@") ? 2 : 1).join("/");
  const manifest = JSON.parse(readFileSync(path.join(root, "packages", here.package, "package.json"), "utf8"));
  if (bundledPackages.includes(here.package))
    return name in { ...manifest.devDependencies } ? undefined : "which is not among the devDependencies that are bundled";
  return name in { ...manifest.dependencies, ...manifest.peerDependencies } ? undefined : "which is not among its dependencies";
}

function faultInCore(file: string, target: string): string | undefined {
  const [from, to] = [rowOf(file), rowOf(target)];
  if (from < 0) return "but has no place in coreRows of scripts/check/directions.ts itself";
  if (to < 0) return "which has no place in coreRows of scripts/check/directions.ts";
  return to > from ? "which lies above it" : undefined;
}

function rowOf(file: string): number {
  const name = file.replace(/^packages\/core\/src\//, "").replace(/\.ts$/, "");
  return coreRows.findIndex((row) => row.some((entry) => (entry.endsWith("/") ? name.startsWith(entry) : name === entry)));
}
