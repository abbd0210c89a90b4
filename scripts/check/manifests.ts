import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import { bundledPackages } from "./directions.ts";

interface Manifest {
  readonly name: string;
  readonly version?: string;
  readonly private?: boolean;
  readonly description?: string;
  readonly keywords?: readonly string[];
  readonly license?: string;
  readonly repository?: { readonly directory?: string };
  readonly engines?: { readonly node?: string };
  readonly files?: readonly string[];
  readonly sideEffects?: boolean;
  readonly type?: string;
  readonly exports?: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly publishConfig?: { readonly exports?: unknown; readonly bin?: unknown };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/**
 * Says what is wrong with the workspace's manifests, one line each: packages of different versions, a version that does not come from the
 * catalog or is not an exact one, a published package that npm could not present, an export or a bin of the source that is not published
 * as what the build makes of it, a template that takes other versions than these.
 */
export function checkManifests(root: string): string[] {
  const faults: string[] = [];
  const catalog = new Map(readCatalog(readFileSync(path.join(root, "pnpm-workspace.yaml"), "utf8")));
  const versions = new Map<string, string>();
  for (const file of globSync(["package.json", "demo/package.json", "test/package.json", "packages/*/package.json"], {
    cwd: root,
  }).sort()) {
    const manifest: Manifest = JSON.parse(readFileSync(path.join(root, file), "utf8"));
    for (const [name, range] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      const wanted = name.startsWith("@asynqjs/") ? "workspace:*" : "catalog:";
      if (range !== wanted) faults.push(`${file}: ${name} is "${range}", expected "${wanted}"`);
      if (wanted === "catalog:" && !catalog.has(name)) faults.push(`${file}: ${name} is not in the catalog of pnpm-workspace.yaml`);
    }
    if (manifest.type !== "module") faults.push(`${file}: expected "type": "module"`);
    if (manifest.private) continue;
    versions.set(file, manifest.version ?? "");
    faults.push(...faultsOfPublished(root, file, manifest));
    faults.push(...faultsOfExports(file, manifest));
  }
  faults.push(...faultsOfTemplates(root, new Set(versions.values()), catalog));
  if (new Set(versions.values()).size > 1) faults.push(`versions differ: ${Array.from(versions, (entry) => entry.join(" ")).join(", ")}`);
  for (const [name, version] of catalog)
    if (!/^\d+\.\d+\.\d+/.test(version)) faults.push(`pnpm-workspace.yaml: ${name} is ${version}, expected one exact version`);
  return faults;
}

/** What npm and its page show of a package, and what decides how it is used. */
function faultsOfPublished(root: string, file: string, manifest: Manifest): string[] {
  const folder = path.posix.dirname(file);
  const templates = existsSync(path.join(root, folder, "templates")) ? ["templates"] : [];
  const expected = {
    license: "MIT",
    engines: { node: ">=20" },
    files: ["dist", ...templates, "README.md", "LICENSE"],
    sideEffects: false,
  };
  const faults = Object.entries(expected)
    .filter(([field, value]) => JSON.stringify(manifest[field as keyof Manifest]) !== JSON.stringify(value))
    .map(([field, value]) => `${file}: expected "${field}": ${JSON.stringify(value)}`);
  for (const field of ["description", "keywords"] as const)
    if (!manifest[field]?.length) faults.push(`${file}: expected "${field}", which npm shows and searches`);
  if (bundledPackages.includes(path.posix.basename(folder)) && manifest.dependencies !== undefined)
    faults.push(`${file}: expected no "dependencies", since what it needs is bundled with it`);
  if (manifest.repository?.directory !== folder) faults.push(`${file}: expected "repository" with the directory "${folder}"`);
  return faults;
}

/** A project that is begun with a template gets what was tested here. */
function faultsOfTemplates(root: string, ours: ReadonlySet<string>, catalog: ReadonlyMap<string, string>): string[] {
  return globSync("packages/*/templates/*/package.json", { cwd: root })
    .sort()
    .flatMap((file) => {
      const { dependencies, devDependencies }: Manifest = JSON.parse(readFileSync(path.join(root, file), "utf8"));
      return Object.entries({ ...dependencies, ...devDependencies }).flatMap(([name, range]) => {
        const version = name.startsWith("@asynqjs/") ? [...ours].at(0) : catalog.get(name);
        return range === `^${version}` ? [] : [`${file}: ${name} is "${range}", expected "^${version}"`];
      });
    });
}

function faultsOfExports(file: string, { exports = {}, bin = {}, publishConfig }: Manifest): string[] {
  const builtOf = (source: string): string => source.replace("./src/", "./dist/").replace(/\.ts$/, "");
  const expected = {
    exports: Object.fromEntries(
      Object.entries(exports).map(([name, source]) => [name, { types: `${builtOf(source)}.d.ts`, default: `${builtOf(source)}.js` }]),
    ),
    bin: Object.fromEntries(Object.entries(bin).map(([name, source]) => [name, `${builtOf(source)}.js`])),
  };
  return (["exports", "bin"] as const)
    .filter((field) => JSON.stringify(publishConfig?.[field] ?? {}) !== JSON.stringify(expected[field]))
    .map((field) => `${file}: publishConfig.${field} is not what is built of ${field}, expected ${JSON.stringify(expected[field])}`);
}

/** The `name: version` lines of the catalog. */
function readCatalog(yaml: string): [string, string][] {
  const lines = /^catalog:\n((?: +.*\n|\n)*)/m.exec(yaml)?.[1] ?? "";
  return Array.from(lines.matchAll(/^ +"?([^":]+)"?: *"?([^"\s]+)"?/gm), ([, name, version]) => [name!, version!]);
}
